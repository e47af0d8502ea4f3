"""The commands: one file each, called as the command is; a folder is a group of commands. Imports no torch."""
