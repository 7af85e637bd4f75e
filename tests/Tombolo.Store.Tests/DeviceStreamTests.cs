// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Tombolo.Linux;
using Tombolo.Testing;

namespace Tombolo.Store.Tests;

/// <summary>The client on a device instead of a socket: here a terminal that a scripted server sits at. The real one, /dev/xen/xenbus, is in the system tests.</summary>
public sealed class DeviceStreamTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [Fact]
    public async Task Requests_OnADevice_AreAnsweredOneByOne()
    {
        using Terminal terminal = new();
        await using StoreClient client = await StoreClient.ConnectAsync(terminal.Path);
        for (int i = 0; i < 200; i++) (await client.ReadAsync($"/n/{i}")).ShouldBe($"/n/{i}");
    }

    [Fact]
    public async Task Message_LongerThanTheKernelTakes_IsRefusedBeforeItIsSent()
    {
        using Terminal terminal = new();
        await using StoreClient client = await StoreClient.ConnectAsync(terminal.Path);
        StoreException refused = await Should.ThrowAsync<StoreException>(async () => await client.WriteAsync("/a", new string('v', 4078)));
        (refused.Error, refused.Message.Contains("4080 bytes", StringComparison.Ordinal)).ShouldBe((StoreError.E2BIG, true));
        (await client.ReadAsync("/a")).ShouldBe("/a");
    }

    /// <summary>A device that takes bytes rather than messages (tombolo_grant.ko's) takes a part when it is full, and the rest later.</summary>
    [Fact]
    public async Task Device_ThatIsFull_GetsTheRestWhenThereIsRoom()
    {
        using Terminal terminal = new();
        await using StoreClient client = await StoreClient.ConnectAsync(terminal.Path);
        for (int i = 0; i < 200; i++) _ = client.WriteAsync("/unanswered", new string('v', 4000)).AsTask().ContinueWith(static ended => ended.Exception, TaskScheduler.Default);   // many times what a terminal holds
        (await client.ReadAsync("/after").AsTask().WaitAsync(Watchdog.Limit)).ShouldBe("/after");
    }

    [Fact]
    public async Task Dispose_EndsWhatWaits()
    {
        using Terminal terminal = new();
        StoreClient client = await StoreClient.ConnectAsync(new StoreClientOptions { SocketPath = terminal.Path, Reconnects = false });
        Task<string?> never = client.ReadAsync("/silence").AsTask();
        await client.DisposeAsync();
        _ = await Should.ThrowAsync<Exception>(async () => await never.WaitAsync(Watchdog.Limit));
        never.IsFaulted.ShouldBeTrue();
    }

    /// <summary>Closed in any relation to what comes just then.</summary>
    [Fact]
    public async Task Dispose_AsAnswersCome_Ends()
    {
        using Terminal terminal = new();
        for (int i = 0; i < 1000; i++)
        {
            StoreClient client = await StoreClient.ConnectAsync(new StoreClientOptions { SocketPath = terminal.Path, Reconnects = false });
            Task[] asked = [.. Enumerable.Range(0, i % 4).Select(number => client.ReadAsync($"/n/{number}").AsTask())];
            await client.DisposeAsync().AsTask().WaitAsync(Watchdog.Limit);
            await Task.WhenAll(asked).WaitAsync(Watchdog.Limit).ContinueWith(static ended => ended.Exception, TaskScheduler.Default);
        }
    }

    [Fact]
    public async Task Connect_ToWhatIsNeitherSocketNorDevice_SaysWhere()
    {
        File.WriteAllText(_folder["plain"], "");
        using (Socket stale = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)) stale.Bind(new UnixDomainSocketEndPoint(_folder["stale"]));
        foreach (string name in new[] { "plain", "stale", "missing" })
            (await Should.ThrowAsync<StoreException>(() => StoreClient.ConnectAsync(_folder[name]))).Message.ShouldContain(_folder[name]);
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>A pseudo-terminal whose other side answers each READ with the path that was asked for, and nothing about /silence.</summary>
    private sealed class Terminal : IDisposable
    {
        private readonly SafeFd _master = CharacterDevice.OpenBoth("/dev/ptmx");
        private readonly Thread _server;
        private volatile bool _isClosed;

        public Terminal()
        {
            // TIOCSPTLCK unlocks the other side, TIOCGPTN says its number. Source: ioctl_tty(2).
            DeviceControl.Call(_master, 0x40045431, new byte[4]).ShouldBe(0);
            byte[] number = new byte[4];
            DeviceControl.Call(_master, 0x80045430, number).ShouldBe(0);
            Path = $"/dev/pts/{BitConverter.ToInt32(number).ToString(CultureInfo.InvariantCulture)}";
            using Process stty = Process.Start("stty", ["-F", Path, "raw", "-echo"]);
            stty.WaitForExit();
            stty.ExitCode.ShouldBe(0);
            _server = new(Serve) { IsBackground = true };
            _server.Start();
        }

        public string Path { get; }

        public void Dispose()
        {
            _isClosed = true;
            _server.Join();
            _master.Dispose();
        }

        private void Serve()
        {
            byte[] held = new byte[64 << 10];
            int count = 0;
            while (!_isClosed)
            {
                if (!UnixSocket.Wait(_master, forReading: true, TimeSpan.FromMilliseconds(20))) continue;
                count += CharacterDevice.Read(_master, held.AsSpan(count)).Bytes;   // none while nobody has the other side open
                while (StoreHeader.TryRead(held.AsSpan(0, count), out StoreHeader request) && count >= 16 + (int)request.Length)
                {
                    int whole = 16 + (int)request.Length;
                    byte[] path = held[16..(whole - 1)];
                    if (request.Operation == StoreOperation.Read && !path.AsSpan().SequenceEqual("/silence"u8))
                    {
                        byte[] reply = new byte[16 + path.Length];
                        new StoreHeader(request.Operation, request.RequestId, request.TransactionId, (uint)path.Length).Write(reply);
                        path.CopyTo(reply, 16);
                        CharacterDevice.Write(_master, reply).Bytes.ShouldBe(reply.Length);
                    }
                    held.AsSpan(whole, count - whole).CopyTo(held);
                    count -= whole;
                }
            }
        }
    }
}
