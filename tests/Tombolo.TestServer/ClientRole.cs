// SPDX-License-Identifier: MIT
using System.Globalization;
using System.Runtime.InteropServices;
using Tombolo.Linux;

namespace Tombolo.TestServer;

/// <summary>A client that keeps every descriptor it is sent, as QEMU does, and prints each message: the value, and the eventfd's number in the kernel, "memory", or "-".</summary>
internal static class ClientRole
{
    public static int Run(string path)
    {
        using SafeFd socket = UnixSocket.Connect(path, UnixSocketKind.Stream);
        using var inbox = new FdInbox();
        var held = new List<SafeFd>();
        Span<byte> message = stackalloc byte[8];
        while (true)
        {
            int filled = 0;
            while (filled < message.Length)
            {
                SocketResult result = UnixSocket.Receive(socket, message[filled..], inbox);
                if (result.IsClosed)
                {
                    Console.WriteLine($"closed {filled}");
                    return 0;
                }
                filled += result.Bytes;
                if (!result.IsMoved) _ = UnixSocket.Wait(socket, forReading: true, TimeSpan.FromMinutes(1));
            }
            string what = "-";
            if (inbox.TryTake(out SafeFd? fd))
            {
                held.Add(fd);
                what = EventFd.IdentityOf($"/proc/self/fdinfo/{fd.Number}")?.ToString(CultureInfo.InvariantCulture) ?? "memory";
            }
            Console.WriteLine($"{MemoryMarshal.Read<long>(message)} {what}");
        }
    }
}
