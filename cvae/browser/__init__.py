"""A model as a program for the browser: what it computes as JSON, the runtime that runs it, and one HTML file of both."""
