"""A verdict for every frame of an archive: resumable, shared by as many processes as there are, whatever lies in it."""
