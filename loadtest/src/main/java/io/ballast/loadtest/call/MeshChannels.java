package io.ballast.loadtest.call;

import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.MetadataUtils;
import java.util.ArrayList;
import java.util.List;

/** Connections to the servers that a load calls. */
public final class MeshChannels implements AutoCloseable {
  private final List<ManagedChannel> managed = new ArrayList<>();
  private final Channel policy;
  private final Channel reward;

  /**
   * Connects when the first call is made.
   *
   * @param policy the server that suggests and takes feedback
   * @param reward the server that scores
   * @param credentials that every call shows
   */
  public MeshChannels(TargetAddress policy, TargetAddress reward, Credentials credentials) {
    this.policy = channel(policy, credentials);
    this.reward = policy.equals(reward) ? this.policy : channel(reward, credentials);
  }

  private Channel channel(TargetAddress address, Credentials credentials) {
    NettyChannelBuilder builder = NettyChannelBuilder.forAddress(address.host(), address.port());
    ManagedChannel connection =
        credentials.tls().map(builder::sslContext).orElseGet(builder::usePlaintext).build();
    managed.add(connection);
    String token = credentials.token();
    if (token.isEmpty()) {
      return connection;
    }
    Metadata headers = new Metadata();
    headers.put(
        Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
    return ClientInterceptors.intercept(
        connection, MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  /** To the server that suggests and takes feedback. */
  public Channel policy() {
    return policy;
  }

  /** To the server that scores. */
  public Channel reward() {
    return reward;
  }

  @Override
  public void close() {
    managed.forEach(ManagedChannel::shutdownNow);
  }
}
