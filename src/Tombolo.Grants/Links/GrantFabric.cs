// SPDX-License-Identifier: MIT
using Tombolo.Channels;
using Tombolo.Linux;

namespace Tombolo.Grants;

/// <summary>Two sides of granted pages as ground for channels: peer 0 offered them, peer 1 accepted; an event channel is both doorbells.</summary>
/// <remarks>Nobody says that a side is gone: no event does, by the rules of event channels. Its heartbeat in the pages stands still.</remarks>
internal sealed class GrantFabric(EventChannel port, bool isOfferer) : IChannelFabric
{
    public int Self => isOfferer ? 0 : 1;

    public int Vector => 0;

    public SafeFd Descriptor => port.Descriptor;

    public void Take() => _ = port.TryTake();

    public bool Ring(int peer, int vector)
    {
        if (peer != 1 - Self || vector != 0) return false;
        port.Notify();
        return true;
    }

    public bool? IsPresent(int peer) => peer is 0 or 1 ? null : false;

    public void Dispose() { }   // the port belongs to the link
}
