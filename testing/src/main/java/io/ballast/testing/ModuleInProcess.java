package io.ballast.testing;

import io.ballast.kit.runtime.ServerModule;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;

/** A server's module as a process runs it, started, serving, and behind a channel of this JVM. */
public final class ModuleInProcess implements AutoCloseable {
  private final ServerModule module;
  private final FixedRuntime runtime;
  private final Server server;
  private final ManagedChannel channel;

  private ModuleInProcess(ServerModule module, FixedRuntime runtime) throws IOException {
    this.module = module;
    this.runtime = runtime;
    String name = InProcessServerBuilder.generateName();
    InProcessServerBuilder builder = InProcessServerBuilder.forName(name);
    module.start(runtime).forEach(builder::addService);
    module.serving();
    server = builder.build().start();
    channel = InProcessChannelBuilder.forName(name).build();
  }

  /** Starts {@code module}; both are closed with this. */
  public static ModuleInProcess start(ServerModule module, FixedRuntime runtime) {
    try {
      return new ModuleInProcess(module, runtime);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The module. */
  public ServerModule module() {
    return module;
  }

  /** What the process gives to it. */
  public FixedRuntime runtime() {
    return runtime;
  }

  /** What its clients call through. */
  public ManagedChannel channel() {
    return channel;
  }

  @Override
  public void close() {
    channel.shutdownNow();
    server.shutdownNow();
    module.close();
    runtime.close();
  }
}
