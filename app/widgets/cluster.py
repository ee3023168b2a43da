"""The cluster on which runs are computed: its nodes, its queue, and whether its jobs see the home."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import number

if TYPE_CHECKING:
    from engine.jobs.cluster.view import ClusterView


def cluster_box(view: ClusterView) -> None:
    """One line that always shows, the machines in a box below it."""
    alive = [node for node in view.nodes if node.alive]
    if view.error:
        st.error(view.error, icon=":material/cloud_off:")
    if view.probe is not None and view.probe.ok is False:
        st.error(view.probe.message, icon=":material/folder_off:")
    label = (
        f"{view.name} cluster: {number(len(alive))} of {number(len(view.nodes))} nodes are up; jobs:"
        f" {number(view.running)} running, {number(view.waiting)} waiting"
    )
    with st.expander(label, icon=":material/dns:", key="cluster"):
        st.dataframe(
            [
                {
                    "node": node.name,
                    "state": node.state,
                    "CPUs": _of(node.cpus_used, node.cpus),
                    "GPUs": _of(node.gpus_used, node.gpus),
                    "memory (GB)": node.memory_gb,
                }
                for node in view.nodes
            ],
            hide_index=True,
            key="cluster-nodes",
            placeholder="–",
            column_config={"memory (GB)": st.column_config.NumberColumn(format="%.1f")},
        )
        if view.probe is None:
            st.caption("Whether jobs see the lab's home is being tested.")
        elif view.probe.ok is not False:
            st.caption(view.probe.message)
        if view.page:
            st.link_button("Page of the cluster", view.page, icon=":material/open_in_new:")


def _of(used: float | None, total: float) -> str:
    return f"{total:g}" if used is None else f"{used:g} of {total:g} in use"
