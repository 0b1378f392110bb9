"""A model as a program for the browser: what it computes as JSON, the runtime for it, and one HTML file of both."""
