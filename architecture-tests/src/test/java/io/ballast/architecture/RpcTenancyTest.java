package io.ballast.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.ballast.kit.security.RpcAccess;
import io.ballast.mesh.v1.RequestMetadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * Somebody decided of every RPC what keeps tenants apart there, and a test shows it: an RPC that is
 * new fails this test until it is in the table.
 */
class RpcTenancyTest {
  private static final String LEARNER = "orchestrator:orchestrator/grpc/TenantsOfLearnerTest";
  private static final String RUNS = "orchestrator:orchestrator/TenantsOfRunsTest";
  private static final String FEEDBACK = "policy-server:policy/FeedbackTest";
  private static final String DECISIONS = "policy-server:policy/DecisionsTest";
  private static final String REPLAYS = "policy-server:policy/ReplayDecisionTest";
  private static final String USERS = "policy-server:policy/UserDataTest";
  private static final String REWARDS = "reward-server:reward/RewardTenantsTest";
  private static final String SAFETY_TESTS = "safety-server:safety/TenantsOfTestsTest";

  private static final Map<String, Row> TABLE = table();

  /** What keeps tenants apart at an RPC. */
  private enum Fence {
    /** What it names, lists or makes has an owner, and is not there for other tenants. */
    OWNER,
    /**
     * It works on what the request has, for the tenant of the request, which must be the caller's.
     */
    REQUEST,
    /** What it names or tells is the mesh's: docs/operations/security.md says so. */
    MESH,
    /** Nobody who is bound to a tenant may call it. */
    OPERATOR,
    /** It has nothing of any tenant, or no server has it. */
    NOTHING
  }

  /**
   * What keeps tenants apart at an RPC, and where it is shown.
   *
   * @param test that shows it; empty where {@code TenantFenceTest} and {@code AccessTest} do for
   *     all
   */
  private record Row(Fence fence, String test) {}

  private static Map<String, Row> table() {
    Table all = new Table();
    all.of("ballast.policy.v1.PolicyService")
        .rows(Fence.REQUEST, "", "Suggest SuggestStream Sample LogProbs");
    all.of("ballast.policy.v1.FeedbackService")
        .rows(Fence.OWNER, FEEDBACK, "RecordFeedback GetSuggestion StreamTrainingRecords")
        .rows(Fence.OWNER, DECISIONS, "StreamDecisions")
        .rows(Fence.OWNER, REPLAYS, "ReplayDecision")
        .rows(Fence.OWNER, USERS, "DeleteUserData");
    all.of("ballast.policy.v1.VersionService")
        .rows(Fence.MESH, "", "ListVersions GetVersion ListAliases RegisterVersion")
        .rows(Fence.OPERATOR, "", "PromoteAlias EndCanary RollBackAlias BreakGlassAlias");
    all.of("ballast.reward.v1.RewardService")
        .rows(
            Fence.OWNER,
            REWARDS,
            "Score ScoreStream Compare EstimateBestOfN GetGoldenScores ListRewardModels");
    all.of("ballast.reward.v1.RewardTrainingService")
        .rows(
            Fence.OWNER,
            REWARDS,
            "StartTraining GetTraining ListTrainings WatchTraining CancelTraining");
    all.of("ballast.safety.v1.SafetyService")
        .rows(Fence.REQUEST, "", "Cost")
        .rows(
            Fence.OWNER,
            SAFETY_TESTS,
            "GetSafetyTest ListSafetyTests GetLedger GetEvidence ReplayCertificate")
        .rows(Fence.MESH, SAFETY_TESTS, "GetCertificate VerifyCertificate")
        .rows(Fence.MESH, "", "StartSafetyTest GetVerdict GetVerificationKeys ListCanaryWatches")
        .rows(Fence.OPERATOR, "", "RevokeCertificate RedeemCertificate");
    all.of("ballast.safety.v1.DisplayGateService")
        .rows(Fence.REQUEST, "", "DecideGeneration DecideDisplay");
    all.of("ballast.orchestrator.v1.RunService")
        .rows(Fence.OWNER, RUNS, "CreateRun GetRun ListRuns WatchRun PauseRun ResumeRun CancelRun")
        .rows(Fence.OPERATOR, RUNS, "PromoteCandidate");
    all.of("ballast.learner.v1.LearnerService")
        .rows(
            Fence.OWNER,
            LEARNER,
            "CreateSession GetSession ListSessions CloseSession Forward ForwardBackward"
                + " OptimizerStep SampleFromSession SaveWeights LoadWeights ListCheckpoints"
                + " DeleteCheckpoint GetOperation WaitOperation CancelOperation");
    all.of("ballast.mesh.v1.AuditService").rows(Fence.OPERATOR, "", "StreamAuditEntries");
    all.of("inference.GRPCInferenceService")
        .rows(
            Fence.OWNER,
            REWARDS,
            "ModelInfer ModelStreamInfer ModelMetadata ModelConfig ModelReady ModelStatistics"
                + " RepositoryIndex")
        .rows(
            Fence.OPERATOR,
            "",
            "RepositoryModelLoad RepositoryModelUnload TraceSetting LogSettings")
        .rows(
            Fence.NOTHING,
            "",
            "ServerLive ServerReady ServerMetadata SystemSharedMemoryStatus"
                + " SystemSharedMemoryRegister SystemSharedMemoryUnregister"
                + " CudaSharedMemoryStatus CudaSharedMemoryRegister CudaSharedMemoryUnregister");
    all.of("grpc.reflection.v1.ServerReflection").rows(Fence.NOTHING, "", "ServerReflectionInfo");
    return all.rows;
  }

  @Test
  void everyRpcHasARowAndNoRowIsOfNothing() {
    assertThat(TABLE.keySet()).containsExactlyInAnyOrderElementsOf(RpcAccess.rows().keySet());
  }

  @Test
  void thoseForOperatorsAreThoseThatNobodyBoundToATenantMayCall() {
    assertThat(with(Fence.OPERATOR))
        .containsExactlyInAnyOrderElementsOf(
            TABLE.keySet().stream().filter(RpcAccess::isMeshWide).toList());
  }

  @Test
  void everyOwnerIsShownByATestThatCallsTheRpc() throws IOException {
    for (Map.Entry<String, Row> row : TABLE.entrySet()) {
      String test = row.getValue().test();
      if (row.getValue().fence() == Fence.OWNER) {
        assertThat(test).as("a test of %s", row.getKey()).isNotEmpty();
      }
      if (!test.isEmpty()) {
        String rpc = row.getKey().substring(row.getKey().indexOf('/') + 1);
        String call = Character.toLowerCase(rpc.charAt(0)) + rpc.substring(1);
        assertThat(Files.readString(file(test)))
            .as("%s in %s", rpc, test)
            .containsPattern("\\.%s\\(|\"%s\"".formatted(call, rpc));
      }
    }
  }

  @Test
  void whereTheRequestSaysTheTenantItHasAPlaceForIt() {
    Set<String> withMetadata =
        UnimplementedTest.bases().stream()
            .flatMap(base -> UnimplementedTest.service(base).getMethods().stream())
            .filter(RpcTenancyTest::saysTheTenant)
            .map(MethodDescriptor::getFullMethodName)
            .collect(Collectors.toSet());

    assertThat(withMetadata).containsAll(with(Fence.REQUEST));
  }

  private static List<String> with(Fence fence) {
    return TABLE.entrySet().stream()
        .filter(row -> row.getValue().fence() == fence)
        .map(Map.Entry::getKey)
        .toList();
  }

  /** Where a test lies: of {@code module:package/Class}. */
  private static Path file(String test) {
    String[] parts = test.split(":", 2);
    return Path.of("..", parts[0], "src/test/java/io/ballast", parts[1] + ".java");
  }

  private static boolean saysTheTenant(MethodDescriptor<?, ?> method) {
    return method.getRequestMarshaller() instanceof PrototypeMarshaller<?> known
        && known.getMessagePrototype() instanceof Message prototype
        && saysTheTenant(prototype.getDescriptorForType(), true);
  }

  /** A request may hold another that has the metadata. */
  private static boolean saysTheTenant(Descriptor type, boolean deeper) {
    return type.getFields().stream()
        .filter(field -> field.getJavaType() == FieldDescriptor.JavaType.MESSAGE)
        .filter(field -> !field.isRepeated())
        .map(FieldDescriptor::getMessageType)
        .anyMatch(
            message ->
                message.equals(RequestMetadata.getDescriptor())
                    || (deeper && saysTheTenant(message, false)));
  }

  /** Rows as they are written down. */
  private static final class Table {
    private final Map<String, Row> rows = new TreeMap<>();
    private String service = "";

    Table of(String name) {
      service = name;
      return this;
    }

    Table rows(Fence fence, String test, String methods) {
      for (String method : methods.split(" ")) {
        rows.put(service + "/" + method, new Row(fence, test));
      }
      return this;
    }
  }
}
