// SPDX-License-Identifier: MIT
using Tombolo.Channels;
using static Tombolo.Grants.Conformance.CheckSide;

namespace Tombolo.Grants.Conformance;

public static partial class GrantChecks
{
    private const int LinkMessages = 300, LinkBytes = 1 << 17;
    private static readonly FabricPartyOptions _patient = new() { Beat = TimeSpan.FromSeconds(1), DeathAfter = TimeSpan.FromSeconds(60) };   // an emulated machine may be held up

    // Our channels over granted pages, with an event channel as both doorbells.
    private static IReadOnlyList<GrantCheck> LinkChecks =>
    [
        new("Link_CarriesMessages_BothWays", static side =>
        {
            using GrantLink link = Offered(side, new() { Kind = GrantLinkKind.Messages, CapacityBytes = 1024 });
            for (int message = 0; message < LinkMessages; message++)
            {
                Put(side, link, message);
                if (message % 3 == 0) Equal(message / 3, Taken(side, link), "the answer");
            }
            side.Meet("all taken");
        }, static side =>
        {
            using GrantLink link = Accepted(side);
            for (int message = 0; message < LinkMessages; message++)
            {
                Equal(message, Taken(side, link), "the message");
                if (message % 3 == 0) Put(side, link, message / 3);
            }
            side.Meet("all taken");
        }),
        new("Link_CarriesBytes_AndEndsWithTheStream", static side =>
        {
            GrantLink link = Offered(side, new() { CapacityBytes = 8192 });
            link.Stream!.Write(Bytes());
            byte[] answer = new byte[4];
            link.Stream.ReadExactly(answer);
            That(answer.AsSpan().SequenceEqual("done"u8), "the other side has all");
            link.Dispose();
        }, static side =>
        {
            using GrantLink link = Accepted(side);
            byte[] got = new byte[LinkBytes];
            link.Stream!.ReadExactly(got);
            That(got.AsSpan().SequenceEqual(Bytes()), "the bytes are those that were sent");
            link.Stream.Write("done"u8);
            Equal(0, link.Stream.Read(got), "what is left after the end");
        }),
        new("ManyLinks_AtOnce_AreApart", static side =>
        {
            GrantLink[] links = [.. Enumerable.Range(0, Channels).Select(_ => Offered(side, new() { Kind = GrantLinkKind.Messages, CapacityBytes = 2048 }))];
            for (int at = 0; at < Channels; at++) Put(side, links[at], at);
            for (int at = 0; at < Channels; at++) Equal(-at, Taken(side, links[at]), $"link {at}'s answer");
            side.Meet("all taken");
            foreach (GrantLink link in links) link.Dispose();
        }, static side =>
        {
            GrantLink[] links = [.. Enumerable.Range(0, Channels).Select(_ => Accepted(side))];
            for (int at = 0; at < Channels; at++)
            {
                Equal(at, Taken(side, links[at]), $"link {at}'s message");
                Put(side, links[at], -at);
            }
            side.Meet("all taken");
            foreach (GrantLink link in links) link.Dispose();
        }),
    ];

    private static GrantLink Offered(CheckSide side, GrantLinkOptions options)
    {
        GrantLink link = GrantLink.Offer(side.Domain, side.Peer, options with { Party = _patient });
        side.Send(link.References);
        side.Send(link.Port.Value);
        return link;
    }

    private static GrantLink Accepted(CheckSide side)
    {
        IReadOnlyList<GrantRef> references = side.ReceiveReferences();
        return GrantLink.Accept(side.Domain, side.Peer, references, side.ReceivePort(), new() { Party = _patient });
    }

    private static void Put(CheckSide side, GrantLink link, int message)
    {
        byte[] bytes = BitConverter.GetBytes(message);
        while (!link.Out!.TryWrite(bytes)) Equal(ChannelWait.Ready, link.Out.WaitForRoom(bytes.Length, side.Limit), "the wait for room");
    }

    private static int Taken(CheckSide side, GrantLink link)
    {
        Equal(ChannelWait.Ready, link.In!.WaitForMessage(side.Limit), "the wait for a message");
        That(link.In.TryBorrow(out ReadOnlySpan<byte> bytes), "there is a message");
        int message = BitConverter.ToInt32(bytes);
        link.In.Release();
        return message;
    }

    private static byte[] Bytes()
    {
        byte[] bytes = new byte[LinkBytes];
        new Random(6).NextBytes(bytes);
        return bytes;
    }
}
