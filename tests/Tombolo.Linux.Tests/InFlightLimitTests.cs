// SPDX-License-Identifier: MIT
using Shouldly;
using Tombolo.Testing;
using Xunit;

namespace Tombolo.Linux.Tests;

/// <summary>A user may have only so many descriptors in flight in all UNIX sockets together. Source: unix(7), ETOOMANYREFS; net/core/scm.c.</summary>
public sealed class InFlightLimitTests
{
    [Fact]
    public void Send_TooManyDescriptorsInFlight_MovesNothingUntilSomeAreReceived()
    {
        int limit = (int)ResourceLimit.RaiseOpenFiles();
        using SafeFd gift = EventFd.Create();
        SafeFd[] gifts = [.. Enumerable.Repeat(gift, UnixSocket.MaxFdsPerMessage)];
        var pairs = new List<(SafeFd Sender, SafeFd Receiver)>();
        try
        {
            _ = OtherUser.Run(() =>   // root is exempt
            {
                (SafeFd sender, SafeFd receiver) = AddPair(pairs);
                SocketResult result;
                int inFlight = 0;
                while (true)
                {
                    result = UnixSocket.Send(sender, "x"u8, gifts);
                    if (result.IsWouldBlock) (sender, receiver) = AddPair(pairs);
                    else if (result.IsMoved) inFlight += gifts.Length;
                    else break;
                    inFlight.ShouldBeLessThan(limit + (2 * gifts.Length));
                }
                result.ShouldBe(new SocketResult(0, Errno.TooManyReferences));
                result.IsWouldBlock.ShouldBeFalse();
                result.IsClosed.ShouldBeFalse();

                using var inbox = new FdInbox();
                (SafeFd firstSender, SafeFd firstReceiver) = pairs[0];
                for (int round = 0; round < 2; round++)
                {
                    UnixSocket.Receive(firstReceiver, new byte[1], inbox).Bytes.ShouldBe(1);
                    inbox.Clear();
                }
                UnixSocket.Send(firstSender, "x"u8, gifts).Bytes.ShouldBe(1);
            });
        }
        finally
        {
            foreach ((SafeFd sender, SafeFd receiver) in pairs)
            {
                sender.Dispose();
                receiver.Dispose();
            }
        }
    }

    private static (SafeFd, SafeFd) AddPair(List<(SafeFd, SafeFd)> pairs)
    {
        pairs.Add(UnixSocket.Pair(UnixSocketKind.Stream));
        return pairs[^1];
    }
}
