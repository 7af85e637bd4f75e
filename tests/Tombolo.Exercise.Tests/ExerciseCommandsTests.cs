// SPDX-License-Identifier: MIT
using System.CommandLine;
using System.Text.Json;
using Tombolo.Mailbox;
using Tombolo.Testing;

namespace Tombolo.Exercise.Tests;

/// <summary>The commands on a real fabric: server, sockets and mailboxes as a user has them.</summary>
public sealed class ExerciseCommandsTests : IAsyncLifetime, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private MailboxFabric _fabric = null!;

    public async Task InitializeAsync() => _fabric = await MailboxFabric.StartAsync(new() { Doorbell = new() { SocketPath = _folder["m"], SizeBytes = 4096 } });

    public async Task DisposeAsync() => await _fabric.DisposeAsync();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Bloop_TwoTargetsWithEchoes_EverythingComesBack()
    {
        Task<(int Code, string Text)> one = Run("serve", "--name", "one", "--streams", "1", "--json"), two = Run("echo", "--name", "two", "--streams", "1", "--json");
        (int code, string text) = await Run("bloop", "one", "two", "--echo", "--window", "3", "--size", "16-383", "--count", "200", "--patience", "30", "--json");
        code.ShouldBe(0, text);
        foreach (JsonElement target in JsonDocument.Parse(text).RootElement.GetProperty("targets").EnumerateArray()) target.GetProperty("echoed").GetInt64().ShouldBe(200);
        foreach ((int served, string report) in new[] { await one, await two })
        {
            served.ShouldBe(0, report);
            JsonDocument.Parse(report).RootElement.GetProperty("streams")[0].GetProperty("received").GetInt64().ShouldBe(200);
        }
    }

    [Fact]
    public async Task Bloop_EachOther_BothServeMeanwhile()
    {
        string[] rest = ["--echo", "--count", "100", "--patience", "30", "--linger", "30", "--streams", "1"];
        Task<(int Code, string Text)> one = Run(["bloop", "two", "--name", "one", .. rest]), two = Run(["bloop", "one", "--name", "two", .. rest]);
        (await one).Code.ShouldBe(0, (await one).Text);
        (await two).Code.ShouldBe(0, (await two).Text);
        (await one).Text.ShouldContain("clean after");
    }

    [Fact]
    public async Task Bloop_ToTheServer_IsTaken()
    {
        (int code, string text) = await Run("bloop", "server", "--rate", "1000", "--count", "50");
        code.ShouldBe(0, text);
        text.ShouldContain("Z-switch");
    }

    [Fact]
    public async Task Bloop_TargetThatDoesNotEcho_IsNotClean()
    {
        (int code, string text) = await Run("bloop", "server", "--echo", "--count", "2", "--timeout", "0.2");
        code.ShouldBe(1);
        text.ShouldContain("NOT CLEAN");
    }

    [Fact]
    public async Task Who_Fabric_ListsOthers()
    {
        (int code, string text) = await Run("who");
        code.ShouldBe(0);
        text.ShouldContain("Z-switch");
        text.ShouldNotContain("exercise-");
    }

    [Theory]
    [InlineData("bloop server", "Neither a count")]
    [InlineData("bloop server -n 1 -s 5", "Sizes are 5 to 5")]
    [InlineData("bloop server -n 1 -s 5-x", "--size is '5-x'")]
    [InlineData("bloop server -n 1 -d -1", "--duration is -1")]
    public async Task Bloop_WrongUse_SaysWhatIsWrong(string words, string sentence) =>
        (await Should.ThrowAsync<ArgumentException>(() => Run(words.Split(' ')))).Message.ShouldContain(sentence);

    [Fact]
    public async Task Bloop_NoSuchTarget_SaysSo() =>
        (await Should.ThrowAsync<ExerciseException>(() => Run("bloop", "nobody", "-n", "1", "--patience", "0"))).Message.ShouldContain("There is no target 'nobody'");

    private Task<(int Code, string Text)> Run(params string[] words) => Task.Run(async () =>
    {
        using var output = new StringWriter();
        ParseResult parsed = new ExerciseCommands(output, (socket, _, name, timeout) => EndpointLink.OfSocket(socket!, name, timeout)).Create().Parse([.. words, "--socket", _folder["m"]]);
        parsed.Errors.ShouldBeEmpty();
        int code = await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        return (code, output.ToString());
    }).Watched();
}
