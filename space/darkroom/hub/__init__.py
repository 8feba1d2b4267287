"""The Hugging Face Hub: where a model comes from, what its card says, and where a wrong verdict is sent."""
