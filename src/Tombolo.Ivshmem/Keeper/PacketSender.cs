// SPDX-License-Identifier: MIT
using Tombolo.Linux;

namespace Tombolo.Ivshmem;

/// <summary>Sends keeper packets, waiting a while where the other side is slow.</summary>
internal static class PacketSender
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(2);

    /// <summary>Sends one packet.</summary>
    /// <returns>False where the other side is gone, or took nothing for two seconds.</returns>
    public static bool TrySend(SafeFd socket, KeeperPacket packet, ReadOnlySpan<SafeFd> fds)
    {
        Span<byte> bytes = stackalloc byte[KeeperPacket.MaxBytes];
        int length = packet.Write(bytes);
        long deadline = Environment.TickCount64 + (long)_patience.TotalMilliseconds;
        while (true)
        {
            SocketResult result = UnixSocket.Send(socket, bytes[..length], fds);
            if (result.IsMoved) return true;
            bool mayPass = result.IsWouldBlock || result.Errno is Errno.TooManyReferences or Errno.NoBuffers;
            TimeSpan left = TimeSpan.FromMilliseconds(deadline - Environment.TickCount64);
            if (!mayPass || left <= TimeSpan.Zero) return false;
            // A socket with room can still have too many descriptors in flight: then this returns at once, so look for the other side's reading instead.
            if (result.IsWouldBlock) _ = UnixSocket.Wait(socket, forReading: false, left);
            else _ = UnixSocket.Wait(socket, forReading: true, TimeSpan.FromMilliseconds(1));
        }
    }
}
