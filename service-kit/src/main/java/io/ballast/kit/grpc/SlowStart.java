package io.ballast.kit.grpc;

import io.grpc.Attributes;
import io.grpc.ConnectivityState;
import io.grpc.LoadBalancer;
import io.grpc.Status;
import io.grpc.util.ForwardingLoadBalancer;
import io.grpc.util.ForwardingLoadBalancerHelper;
import io.grpc.util.ForwardingSubchannel;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;
import java.util.random.RandomGenerator;

/**
 * Round robin in which a replica that has just come takes a tenth of its turns at first and more
 * with its age: its code is cold, and calls would wait. Its age is counted from the first call that
 * it could have had, and anew once a connection to it has failed. Replicas that came together take
 * turns alike, and one alone takes all calls.
 */
final class SlowStart extends ForwardingLoadBalancer {
  /** Of its turns, from the first on: nothing but calls makes code warm. */
  private static final double LEAST_SHARE = 0.1;

  /** Finds a replica's age behind whatever wraps it. */
  private static final Attributes.Key<Age> AGE = Attributes.Key.create("ballast-replica-age");

  /** After so many turns of replicas that are too young whichever is next takes the call. */
  private static final int MOST_LOOKS = 16;

  private final LoadBalancer roundRobin;
  private final LongSupplier nanoTime;
  private final RandomGenerator random;
  private final Set<Age> replicas = ConcurrentHashMap.newKeySet();
  private volatile long windowNanos;

  /**
   * @param roundRobin makes what chooses among replicas of an age
   * @param random safe for use by many threads
   */
  SlowStart(
      Helper channel,
      LoadBalancer.Factory roundRobin,
      LongSupplier nanoTime,
      RandomGenerator random) {
    this.nanoTime = nanoTime;
    this.random = random;
    this.roundRobin = roundRobin.newLoadBalancer(new Watched(channel));
  }

  /**
   * The policy's configuration.
   *
   * @param length how old a replica is that takes all its turns
   */
  record Window(Duration length) {}

  @Override
  protected LoadBalancer delegate() {
    return roundRobin;
  }

  @Override
  public Status acceptResolvedAddresses(ResolvedAddresses addresses) {
    if (addresses.getLoadBalancingPolicyConfig() instanceof Window window) {
      windowNanos = window.length().toNanos();
    }
    return roundRobin.acceptResolvedAddresses(
        addresses.toBuilder().setLoadBalancingPolicyConfig(null).build());
  }

  /** The channel, which hears of replicas that know their age. */
  private final class Watched extends ForwardingLoadBalancerHelper {
    private final Helper channel;

    Watched(Helper channel) {
      this.channel = channel;
    }

    @Override
    protected Helper delegate() {
      return channel;
    }

    @Override
    public Subchannel createSubchannel(CreateSubchannelArgs args) {
      Age age = new Age();
      replicas.add(age);
      Attributes attributes = args.getAttributes().toBuilder().set(AGE, age).build();
      return new Replica(
          channel.createSubchannel(args.toBuilder().setAttributes(attributes).build()), age);
    }

    @Override
    public void updateBalancingState(ConnectivityState state, SubchannelPicker picker) {
      channel.updateBalancingState(
          state, state == ConnectivityState.READY ? new ByAge(picker) : picker);
    }
  }

  /** Passes replicas over by chance, the younger the more often. */
  private final class ByAge extends SubchannelPicker {
    private final SubchannelPicker all;

    ByAge(SubchannelPicker all) {
      this.all = all;
    }

    @Override
    public PickResult pickSubchannel(PickSubchannelArgs args) {
      PickResult picked = all.pickSubchannel(args);
      for (int looks = 1; looks < MOST_LOOKS && isTooYoung(picked); looks++) {
        picked = all.pickSubchannel(args); // the others' turns come sooner, in the same order
      }
      return picked;
    }

    private boolean isTooYoung(PickResult picked) {
      Subchannel replica = picked.getSubchannel();
      Age age = replica == null ? null : replica.getAttributes().get(AGE);
      return age != null && !age.takesItsTurn();
    }
  }

  /** One address of a peer, which is young again after a failure. */
  private static final class Replica extends ForwardingSubchannel {
    private final Subchannel connection;
    private final Age age;

    Replica(Subchannel connection, Age age) {
      this.connection = connection;
      this.age = age;
    }

    @Override
    protected Subchannel delegate() {
      return connection;
    }

    @Override
    public void start(SubchannelStateListener listener) {
      connection.start(
          state -> {
            if (state.getState() == ConnectivityState.TRANSIENT_FAILURE) {
              age.forget(); // who was merely connected anew is as warm as before
            }
            listener.onSubchannelState(state);
          });
    }

    @Override
    public void shutdown() {
      age.leave();
      connection.shutdown();
    }
  }

  /** How long ago a replica could have had its first call. */
  private final class Age {
    private static final long NEVER = Long.MIN_VALUE;

    private final AtomicLong since = new AtomicLong(NEVER);

    void forget() {
      since.set(NEVER);
    }

    void leave() {
      replicas.remove(this);
    }

    boolean takesItsTurn() {
      long now = nanoTime.getAsLong();
      if (since.get() == NEVER) {
        since.set(now); // whoever else does so now sets as good as the same
      }
      long age = nanos(now);
      if (age >= windowNanos) {
        return true;
      }
      long oldest = replicas.stream().mapToLong(replica -> replica.nanos(now)).max().orElse(0);
      return age >= oldest
          || random.nextDouble()
              < Math.max(LEAST_SHARE, (double) age / Math.min(oldest, windowNanos));
    }

    private long nanos(long now) {
      long first = since.get();
      return first == NEVER ? 0 : Math.max(0, now - first);
    }
  }
}
