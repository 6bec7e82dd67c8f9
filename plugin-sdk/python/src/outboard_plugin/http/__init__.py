"""Serves an author's web applications on the listener that the host bound and handed over.

``mounts`` finds the application for a path, ``lifespan`` starts and ends each, ``asgi`` runs them under uvicorn, ``aiohttp``
runs aiohttp's own; ``listener`` is the socket. None of them knows the session: ``context/server.py`` joins the two.
"""
