package io.ballast.orchestrator.grpc;

import static io.ballast.orchestrator.testing.LearnerCalls.tokens;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.ballast.learner.v1.CancelOperationRequest;
import io.ballast.learner.v1.CloseSessionRequest;
import io.ballast.learner.v1.CreateSessionRequest;
import io.ballast.learner.v1.DeleteCheckpointRequest;
import io.ballast.learner.v1.ForwardBackwardRequest;
import io.ballast.learner.v1.ForwardRequest;
import io.ballast.learner.v1.ForwardWeights;
import io.ballast.learner.v1.GetOperationRequest;
import io.ballast.learner.v1.GetSessionRequest;
import io.ballast.learner.v1.LearnerServiceGrpc;
import io.ballast.learner.v1.ListCheckpointsRequest;
import io.ballast.learner.v1.ListSessionsRequest;
import io.ballast.learner.v1.LoadWeightsRequest;
import io.ballast.learner.v1.NamedObjective;
import io.ballast.learner.v1.ObjectiveKind;
import io.ballast.learner.v1.Operation;
import io.ballast.learner.v1.OperationState;
import io.ballast.learner.v1.OptimizerConfig;
import io.ballast.learner.v1.OptimizerStepRequest;
import io.ballast.learner.v1.SampleFromSessionRequest;
import io.ballast.learner.v1.SaveWeightsRequest;
import io.ballast.learner.v1.TrainingCompletion;
import io.ballast.learner.v1.TrainingGroup;
import io.ballast.learner.v1.WaitOperationRequest;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.orchestrator.testing.LearnerCalls;
import io.ballast.orchestrator.testing.TinyModel;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whatever RPC of the learner a tenant calls with what another has, it is answered as for what
 * nobody has. An RPC that is new fails this test until it is in the table.
 */
class TenantsOfLearnerTest {
  private static final String SESSION = "session_id";
  private static final String OPERATION = "operation_id";
  private static final String CHECKPOINT = "checkpoint";
  private static final String KEPT = "alices";
  private static final String NOBODYS = "nobodys";

  /** RPCs that name nothing that a tenant has. */
  private static final Set<String> NAMELESS =
      Set.of("CreateSession", "ListSessions", "ListCheckpoints");

  /** Good requests but for the tenant and the name, what ends something last. */
  private static final Map<String, Row> TABLE = table();

  /**
   * A request and the field of what it names.
   *
   * @param request good but for that field and the tenant
   */
  private record Row(String field, Message request) {}

  @TempDir private Path root = Path.of("");
  private LearnerCalls learner;
  private Channel channel;
  private String session = "";
  private String operation = "";

  private static Map<String, Row> table() {
    TrainingGroup.Builder group =
        TrainingGroup.newBuilder()
            .setPromptTokens(tokens(70, 71))
            .addCompletions(
                TrainingCompletion.newBuilder().setTokens(tokens(10, 11)).addAdvantages(1));
    Map<String, Row> table = new LinkedHashMap<>();
    table.put("GetSession", new Row(SESSION, GetSessionRequest.getDefaultInstance()));
    table.put(
        "Forward",
        new Row(
            SESSION,
            ForwardRequest.newBuilder()
                .setWeights(ForwardWeights.FORWARD_WEIGHTS_CURRENT)
                .addGroups(group)
                .build()));
    table.put(
        "ForwardBackward",
        new Row(
            SESSION,
            ForwardBackwardRequest.newBuilder()
                .addGroups(group)
                .setObjective(
                    NamedObjective.newBuilder()
                        .setKind(ObjectiveKind.OBJECTIVE_KIND_POLICY_GRADIENT))
                .build()));
    table.put("OptimizerStep", new Row(SESSION, OptimizerStepRequest.getDefaultInstance()));
    table.put(
        "SampleFromSession",
        new Row(
            SESSION,
            SampleFromSessionRequest.newBuilder()
                .addPrompts(TextOrTokens.newBuilder().setText("int x = "))
                .setCompletionsCount(1)
                .setSampling(SamplingOptions.newBuilder().setMaxNewTokens(1).setSeed(1))
                .build()));
    table.put(
        "SaveWeights",
        new Row(SESSION, SaveWeightsRequest.newBuilder().setCheckpoint("another").build()));
    table.put(
        "LoadWeights",
        new Row(SESSION, LoadWeightsRequest.newBuilder().setCheckpoint(KEPT).build()));
    table.put("GetOperation", new Row(OPERATION, GetOperationRequest.getDefaultInstance()));
    table.put("WaitOperation", new Row(OPERATION, WaitOperationRequest.getDefaultInstance()));
    table.put("CancelOperation", new Row(OPERATION, CancelOperationRequest.getDefaultInstance()));
    table.put(
        "DeleteCheckpoint", new Row(CHECKPOINT, DeleteCheckpointRequest.getDefaultInstance()));
    table.put("CloseSession", new Row(SESSION, CloseSessionRequest.getDefaultInstance()));
    return table;
  }

  @BeforeEach
  void serveAlice() {
    learner = new LearnerCalls(root);
    channel = learner.connect();
    session = open("alice");
    Operation kept =
        learner
            .stub
            .saveWeights(
                SaveWeightsRequest.newBuilder()
                    .setMetadata(of("alice"))
                    .setSessionId(session)
                    .setCheckpoint(KEPT)
                    .build())
            .getOperation();
    assertThat(kept.getState()).as("%s", kept).isEqualTo(OperationState.OPERATION_STATE_SUCCEEDED);
    operation = kept.getOperationId();
  }

  @AfterEach
  void stop() {
    learner.close();
  }

  @Test
  void everyRpcIsInTheTable() {
    Set<String> known = new TreeSet<>(TABLE.keySet());
    known.addAll(NAMELESS);
    assertThat(LearnerServiceGrpc.getServiceDescriptor().getMethods())
        .extracting(TenantsOfLearnerTest::name)
        .containsExactlyInAnyOrderElementsOf(known);
  }

  @Test
  void whatAnotherTenantHasIsAnsweredAsWhatNobodyHas() {
    TABLE.forEach(
        (rpc, row) -> {
          String alices = alices(row.field());
          StatusRuntimeException theirs = refused(rpc, row, alices);
          StatusRuntimeException nobodys = refused(rpc, row, NOBODYS);
          assertThat(theirs.getStatus().getCode()).as(rpc).isEqualTo(Status.Code.NOT_FOUND);
          assertThat(nobodys.getStatus().getCode()).as(rpc).isEqualTo(Status.Code.NOT_FOUND);
          assertThat(String.valueOf(theirs.getMessage()).replace(alices, NOBODYS))
              .as(rpc)
              .isEqualTo(nobodys.getMessage());
        });

    RequestMetadata bob = of("bob");
    assertThat(
            learner
                .stub
                .listSessions(ListSessionsRequest.newBuilder().setMetadata(bob).build())
                .getSessionsList())
        .isEmpty();
    assertThat(
            learner
                .stub
                .listCheckpoints(ListCheckpointsRequest.newBuilder().setMetadata(bob).build())
                .getCheckpointsList())
        .isEmpty();
    // each request is a good one, and nothing of Alice's was ended: she makes them all
    TABLE.forEach(
        (rpc, row) ->
            assertThat(call(rpc, named(row, "alice", alices(row.field())))).as(rpc).isNotNull());
  }

  @Test
  void aSessionOfBobsLoadsNoCheckpointOfAlices() {
    String bobs = open("bob");
    assertThat(loaded(bobs, KEPT).replace(KEPT, NOBODYS))
        .contains(NOBODYS)
        .isEqualTo(loaded(bobs, NOBODYS));
  }

  /** How Bob's loading of a checkpoint fails, at once or as an operation. */
  private String loaded(String bobs, String checkpoint) {
    LoadWeightsRequest request =
        LoadWeightsRequest.newBuilder()
            .setMetadata(of("bob"))
            .setSessionId(bobs)
            .setCheckpoint(checkpoint)
            .build();
    try {
      Operation failed = learner.stub.loadWeights(request).getOperation();
      assertThat(failed.getState())
          .as("%s", failed)
          .isEqualTo(OperationState.OPERATION_STATE_FAILED);
      return failed.getErrorMessage();
    } catch (StatusRuntimeException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private String alices(String field) {
    return switch (field) {
      case SESSION -> session;
      case OPERATION -> operation;
      default -> KEPT;
    };
  }

  private String open(String tenant) {
    return learner
        .stub
        .createSession(
            CreateSessionRequest.newBuilder()
                .setMetadata(of(tenant))
                .setBase(
                    ModelSelector.newBuilder()
                        .setModel(TinyModel.NAME)
                        .setVersion(TinyModel.VERSION))
                .setOptimizer(OptimizerConfig.newBuilder().setLearningRate(0.01))
                .build())
        .getSession()
        .getSessionId();
  }

  private StatusRuntimeException refused(String rpc, Row row, String id) {
    StatusRuntimeException refused =
        catchThrowableOfType(StatusRuntimeException.class, () -> call(rpc, named(row, "bob", id)));
    assertThat(refused).as("%s of %s", rpc, id).isNotNull();
    return refused;
  }

  private static RequestMetadata of(String tenant) {
    return RequestMetadata.newBuilder().setTenant(tenant).build();
  }

  private static Message named(Row row, String tenant, String id) {
    return row.request().toBuilder()
        .setField(field(row, "metadata"), of(tenant))
        .setField(field(row, row.field()), id)
        .build();
  }

  private static FieldDescriptor field(Row row, String name) {
    return row.request().getDescriptorForType().findFieldByName(name);
  }

  private static String name(MethodDescriptor<?, ?> method) {
    return String.valueOf(method.getBareMethodName());
  }

  @SuppressWarnings("unchecked") // every RPC takes and answers messages
  private Message call(String rpc, Message request) {
    List<MethodDescriptor<?, ?>> methods =
        LearnerServiceGrpc.getServiceDescriptor().getMethods().stream()
            .<MethodDescriptor<?, ?>>map(method -> method)
            .filter(method -> name(method).equals(rpc))
            .toList();
    return ClientCalls.blockingUnaryCall(
        channel,
        (MethodDescriptor<Message, Message>) methods.getFirst(),
        CallOptions.DEFAULT,
        request);
  }
}
