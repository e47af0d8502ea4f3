"""The report as one HTML page: drawings of our own in SVG, no script, nothing from elsewhere."""
