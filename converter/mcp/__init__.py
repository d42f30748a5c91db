"""The API as tools for agents, by the Model Context Protocol.

Streamable HTTP without sessions: each POST carries one message and is answered with JSON, so any process or Lambda
function can answer it. Images travel by links and upload forms, never inside a message.
"""
