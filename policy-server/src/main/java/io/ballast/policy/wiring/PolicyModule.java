package io.ballast.policy.wiring;

import io.ballast.inference.memory.MemoryBudget;
import io.ballast.inference.torch.HandedCopies;
import io.ballast.inference.torch.KeptVocabulary;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.kit.audit.AuditTrail;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.RequestContexts;
import io.ballast.kit.grpc.TenantCalls;
import io.ballast.kit.kserve.ServedModels;
import io.ballast.kit.runtime.MeshRuntime;
import io.ballast.kit.runtime.Role;
import io.ballast.kit.runtime.ServerModule;
import io.ballast.policy.adapter.FolderDecoders;
import io.ballast.policy.adapter.HandedDecoders;
import io.ballast.policy.adapter.RemoteDecoders;
import io.ballast.policy.config.PolicyConfig;
import io.ballast.policy.config.PolicyProperties;
import io.ballast.policy.core.version.DecoderLoader;
import io.grpc.BindableService;
import java.security.SecureRandom;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The policy-server as a process sees it: decoders from model folders or handed over, chance from
 * the system.
 */
public final class PolicyModule implements ServerModule {
  private static final Logger LOG = LoggerFactory.getLogger(PolicyModule.class);

  private final PolicyConfig config;
  private final HandedCopies copies;
  private @Nullable PolicyServer server;

  /**
   * Reads the properties; {@link #start} does the rest.
   *
   * @throws IllegalArgumentException if one is out of its range, naming it
   */
  public PolicyModule(PolicyProperties properties) {
    this(properties, new HandedCopies());
  }

  /**
   * The same in a process where another server hands versions over.
   *
   * @throws IllegalArgumentException if a property is out of its range, naming it
   */
  public PolicyModule(PolicyProperties properties, HandedCopies copies) {
    this.config = PolicyConfig.from(properties);
    this.copies = copies;
  }

  @Override
  public Role role() {
    return Role.POLICY_SERVER;
  }

  @Override
  public List<BindableService> start(MeshRuntime runtime) {
    try {
      PolicyServer started =
          new PolicyServer(
              config,
              runtime,
              decoders(runtime),
              new TenantCalls(RequestContexts::from, runtime.meters(), role().label()),
              new SecureRandom());
      server = started;
      return started.services();
    } catch (MeshException e) {
      if (e.fault() == Fault.UNKNOWN_MODEL) {
        throw new MeshException(
            Fault.UNKNOWN_MODEL,
            "%s; put it there, or set ballast.policy.default-model and ballast.policy.first-version"
                .formatted(e.getMessage()),
            e);
      }
      throw e;
    }
  }

  private DecoderLoader decoders(MeshRuntime runtime) {
    MemoryBudget memory = new MemoryBudget(DecoderLimits.memoryBytes(config.engine()));
    DecoderLimits.register(runtime.meters(), memory);
    ServingOptions serving = DecoderLimits.serving(config.engine(), memory.limitBytes());
    LOG.info("decoders are computed in {}", serving.arithmetic());
    KeptVocabulary vocabulary = new KeptVocabulary();
    FolderDecoders folders =
        new FolderDecoders(runtime.modelFolders(), serving, memory, vocabulary);
    HandedDecoders handed = new HandedDecoders(copies, folders, serving, memory, vocabulary);
    return new RemoteDecoders(config.remotes(), handed, System::getenv);
  }

  /** Looks from now on for aliases that other replicas moved. */
  @Override
  public void serving() {
    PolicyServer started = server;
    if (started != null) {
      started.follow(config);
    }
  }

  @Override
  public List<ServedModels> models() {
    PolicyServer started = server;
    return started == null ? List.of() : List.of(started.models());
  }

  @Override
  public List<AuditTrail> audits() {
    PolicyServer started = server;
    return started == null ? List.of() : List.of(started.audit());
  }

  /** Aliases whose folder is another than was certified; all else is answered. */
  @Override
  public Map<String, String> flaws() {
    PolicyServer started = server;
    return started == null ? Map.of() : started.flaws();
  }

  /** Suggestions go on, if the operator wants that. */
  @Override
  public boolean servesWithoutDatabase() {
    return config.outage().suggestionsGoOn();
  }

  @Override
  public void close() {
    PolicyServer started = server;
    server = null;
    if (started != null) {
      started.close();
    }
  }
}
