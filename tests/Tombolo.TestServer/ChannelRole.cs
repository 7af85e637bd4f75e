// SPDX-License-Identifier: MIT
using System.Buffers.Binary;
using System.Globalization;
using Tombolo.Channels;
using Tombolo.Linux;
using Tombolo.Memory;

namespace Tombolo.TestServer;

/// <summary>One end of the channel "c" in a file, in a process that a test can kill. What it has done stands in a second file, in memory that outlives it.</summary>
/// <remarks>
/// Message n is the number n, 4 bytes, and n % 90 bytes of the value n. The log: word 0 says how many messages are done; word 1 how many bytes; from byte 64 on, two bytes for each message that was taken: how often
/// borrowed, how often released.
/// </remarks>
internal static class ChannelRole
{
    /// <summary>Says "going" just before it takes its end, and works until it is killed.</summary>
    /// <param name="folder">Holds the files "area" and "log".</param>
    /// <param name="role">Which end.</param>
    /// <param name="first">The first message's number; of a stream, the first byte's.</param>
    public static int Run(string folder, string role, string first)
    {
        using ChannelArea area = Channel.OpenArea(Path.Combine(folder, "area"));
        using SafeFd file = SharedFile.Open(Path.Combine(folder, $"log-{role}"));
        using Window log = Window.Map(file);
        var options = new EndOptions { AwaitsSuccessor = true };
        ulong next = ulong.Parse(first, CultureInfo.InvariantCulture);
        Console.WriteLine("going");
        switch (role)
        {
            case "produce": Send(area.OpenProducer("c", options), log, (uint)next); break;
            case "publish": Send(area.OpenPublisher("c", options), log, (uint)next); break;
            case "collect": Take(area.OpenFanIn("c", options), log); break;
            case "subscribe": Take(area.OpenSubscriber("c", SubscriberPolicy.Block, resumes: true, options), log); break;
            case "serve": Serve(area.OpenServer("c", options), log); break;
            case "call": Call(area.OpenClient("c", options), log, (uint)next); break;
            case "write": Write(area.OpenCaller("c", options), log, next); break;
            default: throw new ArgumentException($"There is no role '{role}'.");
        }
        return 0;
    }

    /// <summary>Writes a message.</summary>
    /// <returns>How many bytes it has.</returns>
    public static int Fill(Span<byte> room, uint number)
    {
        int length = LengthOf(number);
        BinaryPrimitives.WriteUInt32LittleEndian(room, number);
        room[4..length].Fill((byte)number);
        return length;
    }

    /// <summary>Checks a message's every byte.</summary>
    /// <returns>Its number.</returns>
    public static uint Check(ReadOnlySpan<byte> message)
    {
        uint number = BinaryPrimitives.ReadUInt32LittleEndian(message);
        return message.Length == LengthOf(number) && !message[4..].ContainsAnyExcept((byte)number) ? number : throw new InvalidOperationException($"Message {number} of {message.Length} bytes is not as it was sent.");
    }

    /// <summary>Bytes of a message.</summary>
    public static int LengthOf(uint number) => 4 + (int)(number % 90);

    private static void Send(MessageWriter to, Window log, uint next)
    {
        while (true)
        {
            Span<byte> room;
            while (!to.TryReserve(LengthOf(next), out room)) _ = to.WaitForRoom(LengthOf(next), Timeout.InfiniteTimeSpan);
            to.Commit(Fill(room, next));
            log.Word64(0).WriteRelease(++next);
        }
    }

    private static void Take(MessageReader from, Window log)
    {
        while (true)
        {
            ReadOnlySpan<byte> message;
            while (!from.TryBorrow(out message)) _ = from.WaitForMessage(Timeout.InfiniteTimeSpan);
            uint number = Check(message);
            Count(log, number, 0);
            from.Release();
            Count(log, number, 1);
            log.Word64(0).WriteRelease(number + 1);
        }
    }

    private static void Serve(RequestServer server, Window log)
    {
        byte[] reply = new byte[server.MaxMessage];
        for (ulong done = log.Word64(0).ReadAcquire(); ;)
        {
            Request request;
            while (!server.TryTake(out request)) _ = server.WaitForRequest(Timeout.InfiniteTimeSpan);
            int length = Fill(reply, Check(request.Bytes) + 1);   // the answer to n is n + 1
            _ = server.Reply(request, reply.AsSpan(0, length));
            log.Word64(0).WriteRelease(++done);
        }
    }

    private static void Call(RequestClient client, Window log, uint next)
    {
        byte[] request = new byte[128], reply = new byte[128];
        for (; ; log.Word64(0).WriteRelease(++next))
        {
            CallResult result = client.Call(request.AsSpan(0, Fill(request, next)), reply, out int length, Timeout.InfiniteTimeSpan);
            if (result != CallResult.Replied || Check(reply.AsSpan(0, length)) != next + 1) throw new InvalidOperationException($"Call {next} ended with {result}.");
        }
    }

    private static void Write(ChannelStream stream, Window log, ulong next)
    {
        byte[] bytes = new byte[700];
        for (; ; log.Word64(0).WriteRelease(next))
        {
            int length = 1 + (int)(next % 699);
            for (int i = 0; i < length; i++) bytes[i] = (byte)((next + (uint)i) % 251);
            stream.Write(bytes.AsSpan(0, length));
            next += (uint)length;
        }
    }

    private static void Count(Window log, uint number, int which)
    {
        SharedView pair = log.View(64 + (2L * number), 2);
        Span<byte> counts = stackalloc byte[2];
        pair.CopyOut(0, counts);
        counts[which]++;
        pair.CopyIn(0, counts);
    }
}
