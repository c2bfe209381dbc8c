package io.ballast.standalone.console;

import io.ballast.console.mesh.ConsoleMesh;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.runtime.Role;
import io.ballast.kit.telemetry.RecentSpans;
import io.ballast.kit.telemetry.RecentSpans.EndedSpan;
import io.ballast.standalone.RunningMesh;
import io.ballast.standalone.process.MeshProcess;
import io.grpc.Channel;
import io.opentelemetry.api.trace.Tracer;
import java.util.List;
import java.util.Optional;

/** The mesh as this process knows it: its own servers, and the peers that it calls. */
final class ProcessConsoleMesh implements ConsoleMesh {
  private final RunningMesh mesh;

  ProcessConsoleMesh(RunningMesh mesh) {
    this.mesh = mesh;
  }

  @Override
  public Channel peer(Role role) {
    return process().peer(role);
  }

  @Override
  public Place place(Role role) {
    MeshProcess process = process();
    return new Place(process.roles().contains(role), process.addresses(role));
  }

  @Override
  public Tracer tracer() {
    return mesh.tracing().getTracer("io.ballast.console");
  }

  @Override
  public Optional<List<EndedSpan>> spans(String traceId) {
    process(); // without it nobody can say who may see them
    return mesh.spans().filter(RecentSpans::keepsSome).map(spans -> spans.trace(traceId));
  }

  private MeshProcess process() {
    return mesh.process()
        .orElseThrow(
            () ->
                new MeshException(
                    Fault.MODEL_LOADING, "the servers of this process are starting; soon"));
  }
}
