// SPDX-License-Identifier: MIT
namespace Tombolo.Store;

/// <summary>What carries a client's messages to a server: a socket, or Linux's device in a Xen domain.</summary>
internal interface IStoreStream : IDisposable
{
    /// <summary>The longest message with its header, in bytes.</summary>
    int MostBytes { get; }

    /// <summary>Sends whole messages, one behind the other.</summary>
    /// <param name="messages">The messages.</param>
    /// <param name="refused">Called for a message that could not be sent although others can: its header, and the error number.</param>
    /// <exception cref="System.Net.Sockets.SocketException">Nothing can be sent any more.</exception>
    ValueTask SendAsync(ReadOnlyMemory<byte> messages, Action<StoreHeader, int> refused);

    /// <summary>Receives some bytes.</summary>
    /// <param name="buffer">Receives them.</param>
    /// <returns>How many; 0 at the end.</returns>
    ValueTask<int> ReceiveAsync(Memory<byte> buffer);
}
