// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Output;

namespace Tombolo.Cli.Tests;

public sealed class CommandLineTests
{
    public static TheoryData<string> AllCommands => [.. Walk(Tree()).Where(command => !command.Hidden).Select(Runner.PathOf)];

    internal static RootCommand Tree() => CommandTree.Create(new(new Screen { Out = TextWriter.Null, Error = TextWriter.Null }, _ => null));

    internal static IEnumerable<Command> Walk(Command top) => top.Subcommands.SelectMany(Walk).Prepend(top);

    [Theory]
    [MemberData(nameof(AllCommands))]
    public async Task Help_EveryCommand_DescribesItselfAndShowsAnExample(string path)
    {
        CommandLine ran = await CommandLine.RunAsync($"{path["tombolo".Length..]} --help");

        ran.ExitCode.ShouldBe(ExitCode.Done);
        ran.Error.ShouldBeEmpty();
        ran.Out.ShouldContain("Usage:");
        ran.Out.ShouldContain("Example");
        ran.Out.ShouldNotContain("\x1b");
    }

    [Fact]
    public void Options_EveryOne_HasADescriptionThatEndsAsASentence()
    {
        foreach (Command command in Walk(Tree()))
        {
            foreach (string? description in command.Options.Where(one => one is not (System.CommandLine.Help.HelpOption or VersionOption)).Select(one => one.Description).Concat(command.Arguments.Select(one => one.Description)).Append(command.Description))
            {
                _ = description.ShouldNotBeNull(Runner.PathOf(command));
                description.ShouldEndWith(".", Case.Sensitive, Runner.PathOf(command));
            }
        }
    }

    [Theory]
    [InlineData("", "tombolo: Required command was not provided. Try 'tombolo --help'.")]
    [InlineData("complation", "tombolo: 'complation' is not a command of tombolo; did you mean 'completion'? Try 'tombolo --help'.")]
    [InlineData("completion bash --jsonn", "tombolo completion: '--jsonn' is not an option of tombolo completion. Try 'tombolo completion --help'.")]
    [InlineData("completion bash twice", "tombolo completion: 'twice' is not an argument of tombolo completion. Try 'tombolo completion --help'.")]
    [InlineData("region watch a 0x88 --count x", "tombolo region watch: 'x' for option '-c' is not a whole number that it can be. Try 'tombolo region watch --help'.")]
    [InlineData("region wait a 0x88 --timeout soon", "tombolo region wait: 'soon' for option '-t' is not a number. Try 'tombolo region wait --help'.")]
    public async Task Run_WrongUse_SaysOneSentenceAndEndsWithTwo(string line, string expected)
    {
        CommandLine ran = await CommandLine.RunAsync(line);

        ran.ShouldBe(new(ExitCode.WrongUse, "", expected + "\n"));
    }

    [Theory]
    [InlineData("ivshmem-server", "ivshmem-server -n 4")]
    [InlineData("tombolo", "-n 4")]
    public void ProgramName_Apply_PutsTheCommandInFront(string name, string expected) =>
        string.Join(' ', ProgramName.Apply(name, ["-n", "4"])).ShouldBe(expected);
}
