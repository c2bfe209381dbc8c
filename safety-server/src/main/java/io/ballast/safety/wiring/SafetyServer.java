package io.ballast.safety.wiring;

import io.ballast.kit.grpc.RequestContext;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.safety.adapter.SafetyTelemetry;
import io.ballast.safety.config.SafetyConfig;
import io.ballast.safety.core.SafetyMonitor;
import io.ballast.safety.core.cost.CostCatalog;
import io.ballast.safety.core.cost.CostFlow;
import io.ballast.safety.core.cost.CostModelSource;
import io.ballast.safety.core.gate.GateFlow;
import io.ballast.safety.core.gate.GateSource;
import io.ballast.safety.grpc.CallContexts;
import io.ballast.safety.grpc.DisplayGateGrpcService;
import io.ballast.safety.grpc.SafetyGrpcService;
import io.grpc.BindableService;
import io.micrometer.core.instrument.Gauge;
import java.util.List;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A safety-server, built and ready to serve. */
public final class SafetyServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(SafetyServer.class);

  private final CostCatalog catalog;
  private final GateFlow gates;
  private final List<BindableService> services;

  /**
   * Builds every part and loads the default models that are there. Without them the server starts
   * all the same, and says NOT_FOUND where one is asked.
   *
   * @param contexts validates the metadata of requests
   * @throws io.ballast.kit.error.MeshException if the default cost model cannot be loaded
   */
  public SafetyServer(
      SafetyConfig config,
      MeshRuntime runtime,
      CostModelSource costModels,
      GateSource gateModels,
      Function<RequestMetadata, RequestContext> contexts) {
    SafetyMonitor monitor = new SafetyTelemetry(runtime.meters(), runtime.telemetry());
    CallContexts calls = new CallContexts(contexts);
    catalog =
        new CostCatalog(
            costModels, config.costs(), config.items(), config.queue(), runtime.nanoTime());
    CostFlow costs =
        new CostFlow(catalog, config.costs(), config.items(), monitor, runtime.nanoTime());
    gates =
        new GateFlow(
            gateModels,
            config.contextGate(),
            config.suggestionGate(),
            config.items().textBytes(),
            monitor);
    services =
        List.of(
            new SafetyGrpcService(costs, calls, runtime.replies()),
            new DisplayGateGrpcService(gates, calls, runtime.replies()));
    var unused =
        Gauge.builder("ballast.safety.waiting.tokens", catalog, CostCatalog::waitingTokens)
            .register(runtime.meters());
    try {
      catalog.warmUp();
      gates.warmUp().forEach(flaw -> LOG.error("the gate cannot decide: {}", flaw.getMessage()));
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** The services of the safety API. */
  public List<BindableService> services() {
    return services;
  }

  @Override
  public void close() {
    catalog.close();
    gates.close();
  }
}
