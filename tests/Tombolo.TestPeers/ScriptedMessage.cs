// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.TestPeers;

/// <summary>One message as it came: eight bytes read as a signed little-endian number, and the descriptors that came with them.</summary>
/// <param name="Value">The number.</param>
/// <param name="Fd">The first descriptor, owned by whoever reads the message; null where none came.</param>
public sealed record ScriptedMessage(long Value, SafeFd? Fd) : IDisposable
{
    public void Dispose() => Fd?.Dispose();
}

/// <summary>All that a client learns in a handshake.</summary>
/// <param name="Version">The first message.</param>
/// <param name="Id">The second.</param>
/// <param name="Memory">What came with −1.</param>
/// <param name="Peers">Every other peer's eventfds, in the order they came.</param>
/// <param name="Own">The client's own eventfds.</param>
public sealed record ScriptedHandshake(long Version, long Id, SafeFd Memory, SortedDictionary<long, List<SafeFd>> Peers, List<SafeFd> Own) : IDisposable
{
    public void Dispose()
    {
        Memory.Dispose();
        foreach (SafeFd fd in Peers.Values.SelectMany(static list => list).Concat(Own)) fd.Dispose();
    }
}
