// SPDX-License-Identifier: MIT
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Tombolo.Store;

namespace Tombolo.Grants.Tests;

/// <summary>Offer and accept over a real store: either side first, message after message, and ended at every request of either side.</summary>
public sealed class OfferTests : IAsyncLifetime, IDisposable
{
    private const int Messages = 4;
    private static readonly DomainId _server = new(3), _client = new(4);
    private readonly TemporaryFolder _folder = new();
    private readonly LocalGround _ground = new();
    private StoreServer _store = null!;

    private string Socket => _folder["store"];

    public async Task InitializeAsync()
    {
        _store = StoreServer.Start(new() { SocketPath = Socket });
        await using StoreClient client = await StoreClient.ConnectAsync(Socket);
        await new OfferKeys().MakeAsync(client);
    }

    public async Task DisposeAsync() => await _store.DisposeAsync();

    public void Dispose()
    {
        _ground.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OneSideFirst_MessageAfterMessage_ArrivesInOrder(bool serverFirst)
    {
        await using StoreClient one = await StoreClient.ConnectAsync(Socket), other = await StoreClient.ConnectAsync(Socket);
        using IDomain server = _ground.Join(_server), client = _ground.Join(_client);
        GrantOffer? offer = serverFirst ? await GrantOffer.StartAsync(one, server) : null;
        await using GrantAccept accept = await GrantAccept.StartAsync(other, client);
        Task<List<int>> taken = TakeAsync(accept);
        offer ??= await GrantOffer.StartAsync(one, server);
        for (int message = 0; message < 50; message++) await offer.SendAsync(Message(message)).WaitAsync(Watchdog.Limit);
        offer.Client.ShouldBe(_client);
        await offer.DisposeAsync();
        (await taken.WaitAsync(Watchdog.Limit)).ShouldBe(Enumerable.Range(0, 50));   // and it ends with the offer
        foreach (string name in OfferKeys.Names.Except(["client_local_port"])) (await one.ReadAsync($"{OfferKeys.DefaultPath}/{name}")).ShouldBe("0", name);
    }

    /// <summary>The keys are everybody's: who writes them again and again, while this side has nothing to send, fills no memory; the side looks again instead.</summary>
    [Fact]
    public async Task News_ThatNobodyTakes_BecomeOne()
    {
        const int Writes = 5000;
        await using StoreClient store = await StoreClient.ConnectAsync(Socket);
        await using OfferNews news = new(store, OfferKeys.DefaultPath);
        await using IAsyncEnumerator<StoreEvent> last = store.WatchAsync("/last").GetAsyncEnumerator();
        _ = await last.MoveNextAsync();
        for (int write = 0; write < Writes; write++) await store.WriteAsync($"{OfferKeys.DefaultPath}/client_id", "0");
        await store.WriteAsync($"{OfferKeys.DefaultPath}/msg_len", "0");
        await store.WriteAsync("/last", "");
        _ = await last.MoveNextAsync().AsTask().WaitAsync(Watchdog.Limit);   // all events are here
        int count = 1;
        for (string? one = ""; one != $"{OfferKeys.DefaultPath}/msg_len" && (count < 10 || one != OfferKeys.DefaultPath); count++)
            one = await news.NextAsync(CancellationToken.None).AsTask().WaitAsync(Watchdog.Limit);
        count.ShouldBeLessThan(Writes / 2);
    }

    [Fact]
    public async Task Accept_ByDebianTools_AndSixShellLines()
    {
        await using StoreClient store = await StoreClient.ConnectAsync(Socket);
        await store.RemoveAsync("/unikernel");
        foreach (string name in OfferKeys.Names) await Shell($"xenstore-write /unikernel/random/{name} 0");   // the six lines
        await Shell("xenstore-chmod -r /unikernel b0");
        using IDomain server = _ground.Join(_server), client = _ground.Join(_client);
        await using GrantOffer offer = await GrantOffer.StartAsync(store, server);
        (await Shell("xenstore-read /unikernel/random/server_id")).ShouldBe("3\n");
        await Shell("xenstore-write /unikernel/random/client_id 4");   // a client by hand
        Task sending = offer.SendAsync("by hand"u8.ToArray());
        string reference = "0";
        while (reference == "0") reference = (await Shell("xenstore-read /unikernel/random/gnt_ref")).Trim();
        (await Shell("xenstore-read /unikernel/random/client_id")).ShouldBe("0\n");
        (await Shell("xenstore-read /unikernel/random/msg_len")).ShouldBe("7\n");
        byte[] message = new byte[7];
        client.Grants.CopyOut(_server, new(uint.Parse(reference, CultureInfo.InvariantCulture)), 0, message);
        message.ShouldBe("by hand"u8.ToArray());
        sending.IsCompleted.ShouldBeFalse();
        await Shell("xenstore-write /unikernel/random/msg_len 0");
        await sending.WaitAsync(Watchdog.Limit);
        using EventChannel port = client.Events.BindInterdomain(_server, new(uint.Parse(await Shell("xenstore-read /unikernel/random/evt_chn_port"), CultureInfo.InvariantCulture)));
        port.Wait(Watchdog.Limit).ShouldBeTrue();   // the event of the binding
        Task second = offer.SendAsync("again"u8.ToArray());
        port.Wait(Watchdog.Limit).ShouldBeTrue();   // the message's
        (await Shell("xenstore-read /unikernel/random/msg_len")).ShouldBe("5\n");
        await Shell("xenstore-write /unikernel/random/msg_len 0");
        await second.WaitAsync(Watchdog.Limit);
    }

    [Fact]
    public async Task Client_KilledAtEachRequest_RestartedPairLosesNothing()
    {
        int cuts = 0;
        for (int requests = 1; await RunAsync(cutsServer: false, requests); requests++) cuts++;
        cuts.ShouldBeGreaterThan(20);
    }

    [Fact]
    public async Task Server_KilledAtEachRequest_RestartedPairLosesNothing()
    {
        int cuts = 0;
        for (int requests = 1; await RunAsync(cutsServer: true, requests); requests++) cuts++;
        cuts.ShouldBeGreaterThan(20);
    }

    [Fact]
    public async Task Client_OfAnotherDomain_GetsAPageOfItsOwn()
    {
        await using StoreClient store = await StoreClient.ConnectAsync(Socket);
        using IDomain server = _ground.Join(_server), first = _ground.Join(_client), second = _ground.Join(new(9));
        await using GrantOffer offer = await GrantOffer.StartAsync(store, server);
        foreach (IDomain domain in (IDomain[])[first, second, first])
        {
            await using StoreClient own = await StoreClient.ConnectAsync(Socket);
            await using GrantAccept accept = await GrantAccept.StartAsync(own, domain);
            Task<List<int>> taken = TakeAsync(accept, 2);
            await offer.SendAsync(Message(1)).WaitAsync(Watchdog.Limit);
            await offer.SendAsync(Message(2)).WaitAsync(Watchdog.Limit);
            (await taken.WaitAsync(Watchdog.Limit)).ShouldBe([1, 2]);
            offer.Client.ShouldBe(domain.Id);
        }
    }

    [Fact]
    public async Task Start_WithoutKeys_OrAsDomainZero_SaysSo()
    {
        await using StoreClient store = await StoreClient.ConnectAsync(Socket);
        using IDomain zero = _ground.Join(default), one = _ground.Join(_client);
        (await Should.ThrowAsync<GrantException>(() => GrantOffer.StartAsync(store, zero))).Fault.ShouldBe(GrantFault.BadDomain);
        (await Should.ThrowAsync<GrantException>(() => GrantAccept.StartAsync(store, one, new("/nowhere")))).Message.ShouldContain("/nowhere/server_id");
    }

    [Theory]
    [InlineData("4097")]
    [InlineData("4294967295")]
    public async Task Accept_LengthThatNoPageHas_EndsTheSession(string length)
    {
        await using StoreClient store = await StoreClient.ConnectAsync(Socket), own = await StoreClient.ConnectAsync(Socket);
        using IDomain server = _ground.Join(_server), client = _ground.Join(_client);
        await using GrantAccept accept = await GrantAccept.StartAsync(own, client);
        using GrantedPages pages = server.Grants.Grant(_client);
        Task<List<int>> taken = TakeAsync(accept);
        await store.WriteAsync("/unikernel/random/msg_len", length);
        await store.WriteAsync("/unikernel/random/server_id", "3");
        await store.WriteAsync("/unikernel/random/gnt_ref", pages.References[0].ToString());
        await Should.ThrowAsync<Wire.ProtocolException>(() => taken.WaitAsync(Watchdog.Limit));
    }

    // One run with a side that dies at a request, and its successor. False where it lived to the end.
    private async Task<bool> RunAsync(bool cutsServer, int requests)
    {
        using var cut = new CutStore(Socket, _folder["cut"], requests);
        List<int> got = [];
        int sent = 0;
        using var over = new CancellationTokenSource();
        Task sender = SendAsync(cutsServer ? cut : null, value => sent = value, () => sent), taker = CollectAsync(cutsServer ? null : cut, got, over.Token);
        await sender.WaitAsync(Watchdog.Limit);
        await over.CancelAsync();   // everything was taken; a client that came after the last message waits for another server
        await taker.WaitAsync(Watchdog.Limit);
        List<int> once = [];
        foreach (int message in got)
            if (once.Count == 0 || once[^1] != message) once.Add(message);
        once.ShouldBe(Enumerable.Range(0, Messages), $"killed at request {requests}, got {string.Join(' ', got)}");
        got.Count.ShouldBeLessThanOrEqualTo(Messages + (cut.IsCut ? 1 : 0));   // only what was in the dead one's hands comes again
        return cut.IsCut;
    }

    // A successor begins with the message whose taking nobody confirmed.
    private async Task SendAsync(CutStore? cut, Action<int> confirm, Func<int> confirmed)
    {
        for (int life = 0; ; life++)
        {
            await using StoreClient store = await StoreClient.ConnectAsync(cut is not null && life == 0 ? cut.Socket : Socket);
            IDomain domain = _ground.Join(_server);
            Task work = WorkAsync();
            if (life == 0 && cut is not null && await Task.WhenAny(work, cut.Cut.Task) != work && !work.IsCompleted)
            {
                domain.Dispose();   // as the kernel does it for the dead
                continue;
            }
            await work;
            domain.Dispose();
            return;

            async Task WorkAsync()
            {
                GrantOffer offer = await GrantOffer.StartAsync(store, domain);
                for (int message = confirmed(); message < Messages; message++)
                {
                    await offer.SendAsync(Message(message));
                    confirm(message + 1);
                }
                await offer.DisposeAsync();
            }
        }
    }

    private async Task CollectAsync(CutStore? cut, List<int> got, CancellationToken over)
    {
        for (int life = 0; ; life++)
        {
            await using StoreClient store = await StoreClient.ConnectAsync(cut is not null && life == 0 ? cut.Socket : Socket, CancellationToken.None);
            IDomain domain = _ground.Join(_client);
            Task work = WorkAsync();
            if (life == 0 && cut is not null && await Task.WhenAny(work, cut.Cut.Task) != work && !work.IsCompleted)
            {
                domain.Dispose();
                continue;
            }
            await work;
            domain.Dispose();
            return;

            async Task WorkAsync()
            {
                GrantAccept accept = await GrantAccept.StartAsync(store, domain);
                try
                {
                    await foreach (byte[] message in accept.ReceiveAllAsync(long.MaxValue, over)) got.Add(Number(message));
                }
                catch (OperationCanceledException) { }
                await accept.DisposeAsync();
            }
        }
    }

    private static async Task<List<int>> TakeAsync(GrantAccept accept, long most = long.MaxValue)
    {
        List<int> got = [];
        await foreach (byte[] message in accept.ReceiveAllAsync(most)) got.Add(Number(message));
        return got;
    }

    private static byte[] Message(int number) => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"message {number} {new string('x', number * 37 % 4000)}"));

    private static int Number(byte[] message)
    {
        int number = int.Parse(Encoding.ASCII.GetString(message).Split(' ')[1], CultureInfo.InvariantCulture);
        message.ShouldBe(Message(number));
        return number;
    }

    private async Task<string> Shell(string line)
    {
        string[] words = line.Split(' ');
        using Process process = Process.Start(new ProcessStartInfo(words[0], words[1..]) { RedirectStandardOutput = true, Environment = { ["XENSTORED_PATH"] = Socket } })!;
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, line);
        return output;
    }
}
