"""The wire format of Anthropic's Messages API, as others who offer it speak it too."""
