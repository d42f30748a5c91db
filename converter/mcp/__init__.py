"""The API as tools for AI agents, over the Model Context Protocol (MCP).

It uses Streamable HTTP without sessions: each POST holds one message and gets a JSON response, so that any
process or Lambda function can handle it. Images are passed as URLs and upload forms, never inside a message.
"""
