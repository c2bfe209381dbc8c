package io.ballast.standalone.demo.mesh;

import io.grpc.Channel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** A mesh that answers: one that ran already, or one that was started for the demo. */
public interface MeshHandle extends AutoCloseable {
  /**
   * Waits until it answers; what follows may be asked only then.
   *
   * @throws IOException with what it said, if it does not come up
   */
  void awaitReady() throws IOException;

  /** A channel to a process that serves everything. */
  Channel channel();

  /** Where it answers, {@code host:port}. */
  String target();

  /** The page to look at; empty if it is not known. */
  Optional<String> console();

  /** Its data folder, if this process may write there. */
  Optional<Path> dataFolder();

  /** Whether it was started for the demo. */
  boolean ownedByDemo();

  /** Closes the channel; stops the mesh if it was started for the demo and is not to be kept. */
  @Override
  void close();
}
