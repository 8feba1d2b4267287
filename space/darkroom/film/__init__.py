"""The film in a scan: opened, inverted, told from what lies around it, measured, and made the network's input."""
