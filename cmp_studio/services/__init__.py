"""What the window does without a widget: session, threads, playback, files. Qt's core only."""
