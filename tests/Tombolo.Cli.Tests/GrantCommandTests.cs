// SPDX-License-Identifier: MIT
using System.Text.Json;
using Tombolo.Cli.Output;
using Tombolo.Grants;
using Tombolo.Store;

namespace Tombolo.Cli.Tests;

/// <summary>The grants' commands against a real service and a real store.</summary>
public sealed class GrantCommandTests : IAsyncLifetime, IDisposable
{
    private readonly Programs _programs = new();
    private readonly StoreServer _store;
    private readonly GrantServer _grants;

    public GrantCommandTests()
    {
        _store = StoreServer.Start(new() { SocketPath = _programs.InFolder("store.sock") });
        _grants = GrantServer.Start(new() { SocketPath = _programs.InFolder("grants.sock") });
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _grants.DisposeAsync();
        await _store.DisposeAsync();
    }

    public void Dispose() => _programs.Dispose();

    [Fact]
    public async Task OfferAndAccept_TwoPrograms_EveryMessageArrives()
    {
        (await RunAsync("grant keys", store: true, grants: false)).ShouldBe(new(ExitCode.Done, "", ""));
        Task<CommandLine> accepting = RunAsync("grant accept -d 2"), offering = RunAsync("grant offer -d 1 hello again last");
        (await offering).ShouldBe(new(ExitCode.Done, "Domain 2 took 5 bytes.\nDomain 2 took 5 bytes.\nDomain 2 took 4 bytes.\n", ""));
        (await accepting).ShouldBe(new(ExitCode.Done, "hello\nagain\nlast\n", ""));
    }

    [Fact]
    public async Task Accept_Json_AndLs_Json()
    {
        (await RunAsync("grant keys -k /one", store: true, grants: false)).ExitCode.ShouldBe(ExitCode.Done);
        Task<CommandLine> accepting = RunAsync("grant accept -d 2 -n 1 --json -k /one");
        (await RunAsync("grant offer -d 1 --json -k /one hello")).ExitCode.ShouldBe(ExitCode.Done);
        using JsonDocument message = JsonDocument.Parse((await accepting).Out);
        (message.RootElement.GetProperty("domain").GetInt32(), message.RootElement.GetProperty("text").GetString()).ShouldBe((1, "hello"));
        using IDomain one = GrantClient.Connect(new() { SocketPath = _programs.InFolder("grants.sock"), Domain = new DomainId(1) });
        using GrantedPages pages = one.Grants.Grant(new(2), 3, readOnly: true);
        using EventChannel port = one.Events.AllocateUnbound(new(2));
        using JsonDocument list = JsonDocument.Parse((await RunAsync("grant ls --json", store: false)).Out);
        JsonElement grant = list.RootElement.GetProperty("grants")[0];
        (grant.GetProperty("from").GetInt32(), grant.GetProperty("to").GetInt32(), grant.GetProperty("pages").GetInt32(), grant.GetProperty("readOnly").GetBoolean()).ShouldBe((1, 2, 3, true));
        list.RootElement.GetProperty("ports").GetArrayLength().ShouldBe(1);
        (await RunAsync("grant ls", store: false)).Out.ShouldContain("read");
    }

    /// <summary>Two programs of this host in a window: their numbers are given to them.</summary>
    [Fact]
    public async Task Window_TwoPrograms_EveryMessageArrives_AndNobodyChoosesHisNumber()
    {
        string socket = _programs.InFolder("window.sock");
        await using WindowHost window = WindowHost.Start(new() { SocketPath = socket, Shape = new() { Domains = 4, FirstDomain = 10, Pages = 16 } });
        (await RunAsync("grant keys", store: true, grants: false)).ExitCode.ShouldBe(ExitCode.Done);
        using WindowDomain eleven = WindowDomain.Connect(socket);
        Task<CommandLine> accepting = RunAsync($"grant accept --window {socket}", grants: false);
        await using StoreClient store = await StoreClient.ConnectAsync(_programs.InFolder("store.sock"));
        await using (GrantOffer offer = await GrantOffer.StartAsync(store, eleven))
        {
            await offer.SendAsync("hello"u8.ToArray()).WaitAsync(Programs.Watchdog);
            offer.Client.ShouldBe(new DomainId(12));
        }
        (await accepting).ShouldBe(new(ExitCode.Done, "hello\n", ""));

        CommandLine other = await RunAsync($"grant offer -d 99 -w {socket} x", grants: false);
        other.ExitCode.ShouldBe(ExitCode.WrongUse);
        other.Error.ShouldContain("--domain is 99, but the number is given here, and it is 1");
        (await RunAsync("grant offer -w nowhere x", grants: false)).ExitCode.ShouldBe(ExitCode.Failed);
    }

    [Theory]
    [InlineData("grant offer -d 0 x", ExitCode.Failed, "Domain 0 can neither offer nor accept")]
    [InlineData("grant offer x", ExitCode.WrongUse, "choose another one with --domain")]
    [InlineData("grant offer -d 1 x", ExitCode.Failed, "There is no key '/unikernel/random/server_id'")]
    [InlineData("grant accept -d 40000", ExitCode.WrongUse, "--domain is 40000; it must be 0 to 32751")]
    [InlineData("grant accept -d 1 -n -1", ExitCode.WrongUse, "--count is -1")]
    public async Task WrongUse_IsOneSentence(string line, int code, string sentence)
    {
        CommandLine outcome = await RunAsync(line);
        outcome.ExitCode.ShouldBe(code);
        outcome.Error.ShouldContain(sentence);
    }

    private Task<CommandLine> RunAsync(string line, bool store = true, bool grants = true) =>
        CommandLine.RunAsync($"{line}{(store ? $" --store {_programs.InFolder("store.sock")}" : "")}{(grants ? $" --grants {_programs.InFolder("grants.sock")}" : "")}").WaitAsync(Programs.Watchdog);
}
