package io.ballast.kit.security;

import static io.ballast.kit.security.Right.APPLICATION;
import static io.ballast.kit.security.Right.AUDITOR;
import static io.ballast.kit.security.Right.OPERATOR;
import static io.ballast.kit.security.Right.PEER;
import static io.ballast.kit.security.Right.TRAINER;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Which rights lead to which RPC. One that has no row here is nobody's: a new RPC is refused until
 * somebody decides. docs/operations/security.md shows the table.
 */
public final class RpcAccess {
  private static final String HEALTH = "grpc.health.v1.Health/";

  private static final Map<String, Set<Right>> TABLE = table();

  /** What these change or tell is every tenant's. */
  private static final Set<String> MESH_WIDE =
      Set.of(
          "ballast.policy.v1.VersionService/PromoteAlias",
          "ballast.policy.v1.VersionService/EndCanary",
          "ballast.policy.v1.VersionService/RollBackAlias",
          "ballast.policy.v1.VersionService/BreakGlassAlias",
          "ballast.safety.v1.SafetyService/RevokeCertificate",
          "ballast.safety.v1.SafetyService/RedeemCertificate",
          "ballast.orchestrator.v1.RunService/PromoteCandidate",
          "ballast.mesh.v1.AuditService/StreamAuditEntries",
          "inference.GRPCInferenceService/RepositoryModelLoad",
          "inference.GRPCInferenceService/RepositoryModelUnload",
          "inference.GRPCInferenceService/TraceSetting",
          "inference.GRPCInferenceService/LogSettings");

  private RpcAccess() {}

  /** The rights that lead to each RPC, by its full name, sorted. */
  public static Map<String, Set<Right>> rows() {
    return TABLE;
  }

  /**
   * Whether an RPC changes or tells what all tenants share, so that nobody may who is bound to one.
   */
  public static boolean isMeshWide(String method) {
    return MESH_WIDE.contains(method);
  }

  /** Whether nobody is asked who they are: probes and balancers have nothing to show. */
  public static boolean isPublic(String method) {
    return method.startsWith(HEALTH);
  }

  /**
   * The right by which {@code principal} may call {@code method}: the first one, in their order,
   * that leads there.
   *
   * @throws MeshException FORBIDDEN if none does, or if it is bound to a tenant and the RPC is
   *     about every tenant
   */
  public static Right require(Principal principal, String method) {
    Set<Right> leading = TABLE.getOrDefault(method, Set.of());
    if (isMeshWide(method) && principal.tenant().isPresent()) {
      throw new MeshException(
          Fault.FORBIDDEN,
          "%s may not call %s, which is about every tenant (expected: somebody of any tenant)"
              .formatted(principal.name(), method),
          Map.of("principal", principal.name(), "method", method));
    }
    for (Right right : Right.values()) {
      if (leading.contains(right) && principal.rights().contains(right)) {
        return right;
      }
    }
    throw new MeshException(
        Fault.FORBIDDEN,
        "%s may not call %s (expected: %s)".formatted(principal.name(), method, words(leading)),
        Map.of("principal", principal.name(), "method", method, "expected", words(leading)));
  }

  private static String words(Set<Right> rights) {
    return rights.isEmpty()
        ? "nobody"
        : "the right "
            + rights.stream().sorted().map(Right::label).collect(Collectors.joining(" or "));
  }

  private static Map<String, Set<Right>> table() {
    Table all = new Table();
    all.of("ballast.policy.v1.PolicyService")
        .rows("Suggest SuggestStream", APPLICATION, OPERATOR)
        .rows("Sample LogProbs", TRAINER, OPERATOR, PEER);
    all.of("ballast.policy.v1.FeedbackService")
        .rows("RecordFeedback", APPLICATION, OPERATOR)
        .rows("GetSuggestion", APPLICATION, TRAINER, OPERATOR, AUDITOR)
        .rows("StreamTrainingRecords StreamDecisions", TRAINER, OPERATOR, AUDITOR, PEER)
        .rows("ReplayDecision", TRAINER, OPERATOR, AUDITOR)
        .rows("DeleteUserData", OPERATOR);
    all.of("ballast.policy.v1.VersionService")
        .rows("ListVersions GetVersion ListAliases", Right.values())
        .rows("RegisterVersion", TRAINER, OPERATOR, PEER)
        .rows("PromoteAlias EndCanary RollBackAlias", OPERATOR, PEER)
        .rows("BreakGlassAlias", OPERATOR);
    all.of("ballast.reward.v1.RewardService")
        .rows("Score ScoreStream Compare", APPLICATION, TRAINER, OPERATOR, PEER)
        .rows("EstimateBestOfN GetGoldenScores", TRAINER, OPERATOR)
        .rows("ListRewardModels", Right.values());
    all.of("ballast.reward.v1.RewardTrainingService")
        .rows("StartTraining CancelTraining", TRAINER, OPERATOR)
        .rows("GetTraining ListTrainings WatchTraining", TRAINER, OPERATOR, AUDITOR);
    all.of("ballast.safety.v1.SafetyService")
        .rows("Cost", APPLICATION, TRAINER, OPERATOR, PEER)
        .rows("StartSafetyTest", TRAINER, OPERATOR, PEER)
        .rows("GetSafetyTest GetLedger", TRAINER, OPERATOR, AUDITOR, PEER)
        .rows("ListSafetyTests ListCanaryWatches", TRAINER, OPERATOR, AUDITOR)
        .rows("GetCertificate VerifyCertificate GetVerdict GetVerificationKeys", Right.values())
        .rows("GetEvidence ReplayCertificate", TRAINER, OPERATOR, AUDITOR)
        .rows("RevokeCertificate", OPERATOR, PEER)
        .rows("RedeemCertificate", PEER);
    all.of("ballast.safety.v1.DisplayGateService")
        .rows("DecideGeneration DecideDisplay", APPLICATION, OPERATOR, PEER);
    all.of("ballast.orchestrator.v1.RunService")
        .rows("CreateRun PauseRun ResumeRun CancelRun", TRAINER, OPERATOR)
        .rows("GetRun ListRuns WatchRun", TRAINER, OPERATOR, AUDITOR)
        .rows("PromoteCandidate", OPERATOR);
    all.of("ballast.learner.v1.LearnerService")
        .rows(
            "CreateSession CloseSession Forward ForwardBackward OptimizerStep SaveWeights"
                + " LoadWeights DeleteCheckpoint SampleFromSession CancelOperation",
            TRAINER,
            OPERATOR)
        .rows(
            "GetSession ListSessions ListCheckpoints GetOperation WaitOperation",
            TRAINER,
            OPERATOR,
            AUDITOR);
    all.of("ballast.mesh.v1.AuditService").rows("StreamAuditEntries", OPERATOR, AUDITOR);
    all.of("inference.GRPCInferenceService")
        .rows(
            "ServerLive ServerReady ServerMetadata ModelReady ModelMetadata ModelConfig"
                + " RepositoryIndex",
            Right.values())
        .rows("ModelInfer ModelStreamInfer", APPLICATION, TRAINER, OPERATOR, PEER)
        .rows("ModelStatistics", TRAINER, OPERATOR, AUDITOR)
        .rows(
            "RepositoryModelLoad RepositoryModelUnload SystemSharedMemoryStatus"
                + " SystemSharedMemoryRegister SystemSharedMemoryUnregister"
                + " CudaSharedMemoryStatus CudaSharedMemoryRegister CudaSharedMemoryUnregister"
                + " TraceSetting LogSettings",
            OPERATOR);
    all.of("grpc.reflection.v1.ServerReflection").rows("ServerReflectionInfo", Right.values());
    return Collections.unmodifiableMap(all.rows);
  }

  /** Rows as they are written down. */
  private static final class Table {
    private final Map<String, Set<Right>> rows = new TreeMap<>();
    private String service = "";

    Table of(String name) {
      service = name;
      return this;
    }

    Table rows(String methods, Right... rights) {
      Set<Right> leading = EnumSet.noneOf(Right.class);
      Collections.addAll(leading, rights);
      for (String method : methods.split(" ")) {
        rows.put(service + "/" + method, Collections.unmodifiableSet(leading));
      }
      return this;
    }
  }
}
