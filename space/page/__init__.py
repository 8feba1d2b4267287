"""The page's rooms: what it looks like, what it says, and what each part does. No room touches a pixel."""
