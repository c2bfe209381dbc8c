package io.ballast.inference.api;

/** Tokens to condition on, and the tokens whose probability is asked. */
public record PromptAndCompletion(TokenIds prompt, TokenIds completion) {}
