package io.ballast.loadtest.bench;

import io.ballast.kit.grpc.Replies;
import io.ballast.kit.grpc.StatusMapper;
import io.ballast.kit.grpc.VirtualThreadReplies;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.grpc.Channel;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.function.LongSupplier;

/** What a server gets that is measured alone: models, no database, no peers. */
final class BenchRuntime implements MeshRuntime, AutoCloseable {
  private static final int MAX_CALLS = 1_024;

  private final Path models;
  private final Path data;
  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("bench"), MAX_CALLS);
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

  BenchRuntime(Path models, Path data) {
    this.models = models;
    this.data = data;
  }

  @Override
  public Database database(String schema) {
    throw new UnsupportedOperationException("there is no database in this benchmark");
  }

  @Override
  public Channel peer(Role role) {
    throw new UnsupportedOperationException("there are no peers in this benchmark");
  }

  @Override
  public List<Path> modelFolders() {
    return List.of(models);
  }

  @Override
  public Path dataFolder() {
    return data;
  }

  @Override
  public Replies replies() {
    return replies;
  }

  @Override
  public InstantSource clock() {
    return InstantSource.system();
  }

  @Override
  public LongSupplier nanoTime() {
    return System::nanoTime;
  }

  @Override
  public MeterRegistry meters() {
    return meters;
  }

  @Override
  public OpenTelemetry telemetry() {
    return OpenTelemetry.noop();
  }

  @Override
  public void close() {
    replies.close();
    meters.close();
  }
}
