/** Ports implemented: libtorch, model folders, PostgreSQL, peers. */
@NullMarked
package io.ballast.orchestrator.adapter;

import org.jspecify.annotations.NullMarked;
