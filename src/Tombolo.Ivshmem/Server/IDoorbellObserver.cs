// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

/// <summary>Hears of a server's comings and goings, in order.</summary>
/// <remarks>Every call comes on the server's loop: return at once, and do not throw (it would end that client's session).</remarks>
public interface IDoorbellObserver
{
    /// <summary>A client connected and was given an ID; it has not been sent anything yet.</summary>
    /// <param name="id">Its number.</param>
    /// <param name="who">The process behind it.</param>
    void Joining(PeerId id, PeerCredentials who);

    /// <summary>All of a client's handshake went out.</summary>
    /// <param name="id">Its number.</param>
    void Joined(PeerId id);

    /// <summary>A client is gone. Its number is not given again before this returns.</summary>
    /// <param name="id">Its number.</param>
    void Left(PeerId id);

    /// <summary>After a restart: a client that was connected before is still there.</summary>
    /// <param name="id">Its number.</param>
    /// <param name="who">The process behind it.</param>
    void Kept(PeerId id, PeerCredentials who);
}
