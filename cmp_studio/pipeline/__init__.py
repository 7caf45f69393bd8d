"""Document and engine together: flows, frames, films and files. No Qt."""
