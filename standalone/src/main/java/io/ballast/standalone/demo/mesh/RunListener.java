package io.ballast.standalone.demo.mesh;

/** Hears what runs do, from several threads. */
public interface RunListener {
  /** An iteration became durable; {@code count} were asked for. */
  void iterated(RunName run, Iteration iteration, int count);

  /** The safety test has judged so many prompts. */
  void tested(RunName run, int judged, int prompts);

  /** The run is in another state, named for a person. */
  void entered(RunName run, String state);
}
