/** How many replicas a load needs: measured figures, and a simulation of queues made of them. */
@NullMarked
package io.ballast.loadtest.capacity;

import org.jspecify.annotations.NullMarked;
