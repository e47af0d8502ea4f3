"""The colours of all figures, told apart by those who see fewer of them (after Okabe and Ito 2008).

Each is dark enough to be read as text on a light ground, or light enough on a dark one.
"""

LIGHT = {
    "paper": "#ffffff",
    "ground": "#f5f7f9",
    "line": "#d5dbe1",
    "soft": "#57606a",
    "ink": "#1c2128",
    "blue": "#0067a8",
    "vermillion": "#b84300",
    "green": "#00755a",
    "purple": "#8c3a76",
    "ochre": "#805900",
    "grey": "#646d76",
}

DARK = {
    "paper": "#14181d",
    "ground": "#1c2229",
    "line": "#343c46",
    "soft": "#a3adb8",
    "ink": "#e8ecf0",
    "blue": "#62b6ee",
    "vermillion": "#ff8f4f",
    "green": "#3fc7a0",
    "purple": "#e09bcb",
    "ochre": "#e6b84d",
    "grey": "#939da8",
}

SERIES = ("blue", "vermillion", "green", "purple", "ochre", "grey")
"""In the order in which they are used."""
