package io.ballast.standalone.demo.mesh;

/** A prompt and a completion for the learned judges; the completion is not empty. */
public record JudgedPair(Content prompt, Content completion) {}
