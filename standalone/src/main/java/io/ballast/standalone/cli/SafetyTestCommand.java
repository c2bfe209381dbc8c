package io.ballast.standalone.cli;

import io.ballast.kit.grpc.PeerFaults;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.policy.v1.GetVersionRequest;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.PolicyVersion;
import io.ballast.policy.v1.VersionServiceGrpc.VersionServiceBlockingStub;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestSpec;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * Tests a version by hand. It is counted as a run's own test is: its prompts, the δ of its weights,
 * and the account of the run that made it, if one did.
 */
@Command(
    name = "test",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Tests a version on held-out prompts: fresh completions, judged once, and a certificate if the",
      "upper bound of their mean cost is at or below τ. Everything is fixed before the first sample."
    },
    footer = {
      "",
      "Example:  ./mesh safety test mine --prompts held-out.jsonl --threshold 0.2 --optimised none",
      "Then:     ./mesh models promote mine",
      "",
      "The look is used up whatever comes of it: docs/certificates.md says what is counted.",
      "Ctrl-C leaves the test running; ./mesh safety watch TEST comes back to it.",
      "",
      "Exit codes: 0 it passed, or with --detach it has begun; 1 it failed or was aborted, or there",
      "is no such version; 2 wrong usage; 3 no mesh; 4 No Solution Found, or it was not started:",
      "the look or δ is spent, or the judge is a cost model that was optimised against."
    })
final class SafetyTestCommand implements Callable<Integer> {
  /** Why a test was not started, among the values of a refusal. */
  private static final String REFUSAL = "refusal";

  @Parameters(paramLabel = "VERSION", description = "The version, as ./mesh models list shows it.")
  private String version = "";

  @Mixin private AliasOptions which = new AliasOptions();
  @Mixin private SafetyTestOptions options = new SafetyTestOptions();

  @Option(names = "--detach", description = "Start it and return at once.")
  private boolean detach;

  @Option(
      names = "--key",
      paramLabel = "KEY",
      description = "Idempotency key; the same key starts one test (default: a new one).")
  private @Nullable String key;

  @Mixin private Printing printing = new Printing();
  @Mixin private MeshTarget target;

  private final CommandContext context;

  SafetyTestCommand(CommandContext context) {
    this.context = context;
    this.target = new MeshTarget(context);
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    SafetyTestSpec.Builder spec = options.message();
    String runId;
    try (MeshTarget.Connection mesh = ModelsCommand.connect(target)) {
      PolicyVersion candidate = candidate(ModelsCommand.versions(mesh));
      runId = candidate.getRunId();
      spec.setCandidate(candidate.getVersion()).setAlias(which.alias());
      served(ModelsCommand.versions(mesh), candidate.getVersion().getModel())
          .ifPresent(spec::setBase);
    }
    try (MeshTarget.Connection mesh = SafetyCommand.connect(target)) {
      SafetyTest test =
          start(
              mesh,
              StartSafetyTestRequest.newBuilder()
                  .setMetadata(target.keyedMetadata(key))
                  .setSpec(spec)
                  .setRunId(runId)
                  .build());
      printing.line(
          "safety test %s of %s on %,d prompts, by %s; ./mesh safety watch %s comes back to it"
              .formatted(
                  test.getTestId(),
                  ModelOptions.text(test.getCandidate()),
                  test.getPromptsCount(),
                  ModelOptions.text(test.getCostModel()),
                  test.getTestId()));
      if (detach) {
        printing.document(test);
        return Exit.OK.code();
      }
      return new SafetyTestWatcher(printing, target, context).watch(mesh, test).code();
    }
  }

  private PolicyVersion candidate(VersionServiceBlockingStub versions) {
    try {
      return versions
          .getVersion(
              GetVersionRequest.newBuilder()
                  .setMetadata(target.metadata())
                  .setSelector(
                      ModelSelector.newBuilder().setModel(which.model()).setVersion(version))
                  .build())
          .getVersion();
    } catch (StatusRuntimeException e) {
      if (e.getStatus().getCode() != Status.Code.NOT_FOUND) {
        throw e;
      }
      CommandFailure known = Failures.of(e, target.address());
      throw new CommandFailure(
          known.exit(),
          known.reason(),
          known.line() + "; ./mesh models register makes a published folder known");
    }
  }

  /** What the alias points to now, and the candidate would replace; empty: nothing yet. */
  private Optional<ModelVersion> served(VersionServiceBlockingStub versions, String model) {
    return versions
        .listAliases(
            ListAliasesRequest.newBuilder().setMetadata(target.metadata()).setModel(model).build())
        .getAliasesList()
        .stream()
        .filter(alias -> alias.getAlias().equals(which.alias()))
        .map(
            alias ->
                ModelVersion.newBuilder().setModel(model).setVersion(alias.getVersion()).build())
        .findFirst();
  }

  /** Machines are told what is spent, where the server says it. */
  private static SafetyTest start(MeshTarget.Connection mesh, StartSafetyTestRequest request) {
    try {
      return ModelsCommand.safety(mesh).startSafetyTest(request).getTest();
    } catch (StatusRuntimeException e) {
      String refusal =
          PeerFaults.errorInfo(e).map(info -> info.getMetadataOrDefault(REFUSAL, "")).orElse("");
      if (refusal.isEmpty()) {
        throw e;
      }
      throw new CommandFailure(
          Exit.REFUSED, refusal, String.valueOf(e.getStatus().getDescription()));
    }
  }
}
