"""The computing half of `doctor`: each file looks at one thing."""
