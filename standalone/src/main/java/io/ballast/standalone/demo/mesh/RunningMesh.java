package io.ballast.standalone.demo.mesh;

import io.grpc.Channel;
import io.grpc.ManagedChannel;
import java.nio.file.Path;
import java.util.Optional;

/** A mesh that ran before the demo and goes on after it. */
public final class RunningMesh implements MeshHandle {
  private final String target;
  private final ManagedChannel channel;

  /**
   * Connects with the first call.
   *
   * @param target {@code host:port}
   */
  public RunningMesh(String target) {
    this.target = target;
    this.channel = Channels.open(target);
  }

  /** Does not wait: the first call says whether there is a mesh. */
  @Override
  public void awaitReady() {}

  @Override
  public Channel channel() {
    return channel;
  }

  @Override
  public String target() {
    return target;
  }

  @Override
  public Optional<String> console() {
    return Optional.empty();
  }

  @Override
  public Optional<Path> dataFolder() {
    return Optional.empty();
  }

  @Override
  public boolean ownedByDemo() {
    return false;
  }

  @Override
  public void close() {
    channel.shutdownNow();
  }
}
