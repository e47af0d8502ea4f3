"""The commands `report` and `figures`."""
