package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Message;
import io.ballast.kit.security.Right;
import io.ballast.kit.security.RpcAccess;
import io.ballast.learner.v1.LearnerServiceGrpc;
import io.ballast.mesh.v1.AuditServiceGrpc;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.policy.v1.FeedbackServiceGrpc;
import io.ballast.policy.v1.PolicyServiceGrpc;
import io.ballast.policy.v1.VersionServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardTrainingServiceGrpc;
import io.ballast.safety.v1.DisplayGateServiceGrpc;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.testing.TestCallers;
import io.grpc.BindableService;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.MethodDescriptor.PrototypeMarshaller;
import io.grpc.ServerCall;
import io.grpc.ServerServiceDefinition;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.stub.ClientCalls;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** No RPC takes a request for another tenant than the caller's, whatever its service would do. */
class TenantFenceTest {
  private static final List<ServiceDescriptor> SERVICES =
      List.of(
          PolicyServiceGrpc.getServiceDescriptor(),
          FeedbackServiceGrpc.getServiceDescriptor(),
          VersionServiceGrpc.getServiceDescriptor(),
          RewardServiceGrpc.getServiceDescriptor(),
          RewardTrainingServiceGrpc.getServiceDescriptor(),
          SafetyServiceGrpc.getServiceDescriptor(),
          DisplayGateServiceGrpc.getServiceDescriptor(),
          RunServiceGrpc.getServiceDescriptor(),
          LearnerServiceGrpc.getServiceDescriptor(),
          AuditServiceGrpc.getServiceDescriptor());

  /** What reached a service, by the method's name. */
  private static final Set<String> SERVED = ConcurrentHashMap.newKeySet();

  @TempDir private static Path folder;
  private static MeshServer server;
  private static TestCallers callers;
  private static Channel ofTenantA;

  @BeforeAll
  static void serveEverything() {
    callers = new TestCallers(folder);
    server =
        callers.serve(
            SERVICES.stream().<BindableService>map(each -> () -> answering(each)).toList(),
            new SimpleMeterRegistry());
    String[] roles = Arrays.stream(Right.values()).map(Right::label).toArray(String[]::new);
    ofTenantA = ClientInterceptors.intercept(server.inside(), callers.as("someone", "a", roles));
  }

  @AfterAll
  static void stop() {
    server.close();
    callers.close();
  }

  /** A service that answers whatever comes with an empty message. */
  private static ServerServiceDefinition answering(ServiceDescriptor service) {
    ServerServiceDefinition.Builder definition = ServerServiceDefinition.builder(service);
    service.getMethods().forEach(method -> add(definition, method));
    return definition.build();
  }

  private static <Q, A> void add(
      ServerServiceDefinition.Builder definition, MethodDescriptor<Q, A> method) {
    definition.addMethod(
        method,
        (call, headers) -> {
          call.request(2);
          return new ServerCall.Listener<>() {
            @Override
            public void onMessage(Q message) {
              SERVED.add(method.getFullMethodName());
              call.sendHeaders(new Metadata());
              call.sendMessage(prototype(method.getResponseMarshaller()));
              call.close(Status.OK, new Metadata());
            }
          };
        });
  }

  @SuppressWarnings("unchecked") // marshallers of messages have a prototype of their type
  private static <T> T prototype(MethodDescriptor.Marshaller<T> marshaller) {
    return (T) Objects.requireNonNull(((PrototypeMarshaller<T>) marshaller).getMessagePrototype());
  }

  static Stream<MethodDescriptor<?, ?>> rpcs() {
    return SERVICES.stream().flatMap(service -> service.getMethods().stream());
  }

  /** A request for {@code tenant}; empty: the method's requests name none. */
  private static Optional<Message> request(Message prototype, String tenant, int depth) {
    Descriptor type = prototype.getDescriptorForType();
    for (FieldDescriptor field : type.getFields()) {
      if (field.getJavaType() != FieldDescriptor.JavaType.MESSAGE || field.isRepeated()) {
        continue;
      }
      Message.Builder builder = prototype.toBuilder();
      if (field.getMessageType().equals(RequestMetadata.getDescriptor())) {
        return Optional.of(
            builder
                .setField(field, RequestMetadata.newBuilder().setTenant(tenant).build())
                .build());
      }
      if (depth > 0) {
        Optional<Message> below =
            request(builder.newBuilderForField(field).build(), tenant, depth - 1);
        if (below.isPresent()) {
          return Optional.of(builder.setField(field, below.get()).build());
        }
      }
    }
    return Optional.empty();
  }

  @SuppressWarnings("unchecked") // requests are of the method's type
  private static <Q, A> void call(MethodDescriptor<Q, A> method, Message request) {
    var answers =
        ClientCalls.blockingServerStreamingCall(
            ofTenantA, method, CallOptions.DEFAULT, (Q) request);
    answers.forEachRemaining(answer -> {});
  }

  private static Message prototypeOf(MethodDescriptor<?, ?> method) {
    return (Message) prototype(method.getRequestMarshaller());
  }

  @ParameterizedTest
  @MethodSource("rpcs")
  void aCallerOfTenantACannotAskForTenantB(MethodDescriptor<?, ?> method) {
    Message own = request(prototypeOf(method), "a", 1).orElseThrow();
    Message foreign = request(prototypeOf(method), "b", 1).orElseThrow();
    SERVED.clear();

    if (RpcAccess.isMeshWide(method.getFullMethodName())) {
      assertThatThrownBy(() -> call(method, own))
          .hasMessageStartingWith("PERMISSION_DENIED: someone may not call ");
      assertThat(SERVED).isEmpty();
      return;
    }
    assertThatThrownBy(() -> call(method, foreign))
        .hasMessage(
            "PERMISSION_DENIED: metadata.tenant: not one that someone may ask for (expected: a, or"
                + " empty)");
    assertThat(SERVED).isEmpty();
    call(method, own);
    assertThat(SERVED).containsExactly(method.getFullMethodName());
  }

  @Test
  void everyServiceOfOursIsHere() {
    Set<String> ours =
        RpcAccess.rows().keySet().stream()
            .filter(method -> method.startsWith("ballast."))
            .collect(Collectors.toSet());

    assertThat(rpcs().map(MethodDescriptor::getFullMethodName))
        .containsExactlyInAnyOrderElementsOf(ours);
  }
}
