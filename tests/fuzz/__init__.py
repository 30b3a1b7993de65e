"""Random changes of the files that others hand over: each is read, or refused with a message, in bounded time."""
