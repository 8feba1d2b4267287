"""The film in a scan: open it, separate it from its surroundings, measure it, invert it, make the network's input."""
