"""The command line: arguments to library calls to exit codes. The only code that prints or exits."""
