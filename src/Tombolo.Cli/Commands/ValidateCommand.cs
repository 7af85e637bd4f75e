// SPDX-License-Identifier: MIT
using System.CommandLine;
using Tombolo.Cli.Fabrics;
using Tombolo.Cli.Output;
using Tombolo.Fabric;

namespace Tombolo.Cli.Commands;

/// <summary><c>tombolo validate</c>: checks a declaration without touching anything.</summary>
internal static class ValidateCommand
{
    public static Command Create(CommandContext context)
    {
        Option<string> file = CommonOptions.File();
        Option<bool> json = CommonOptions.Json();
        ExampleCommand command = new("validate", "Checks a declaration: every fault at once, with line and column. With --json prints the faults, or the declaration with every default written out.", "tombolo validate", "tombolo validate -f lab.yaml --json") { file, json };
        command.SetAction(parsed =>
        {
            string path = parsed.GetRequiredValue(file);
            FabricDeclaration declaration = Declarations.Load(path, context.Screen, parsed.GetValue(json));
            context.Screen.Line(parsed.GetValue(json) ? declaration.ToJson()
                : $"{path}: fabric {declaration.Name}, {Count(declaration.Mailboxes.Count, "mailbox", "mailboxes")}, {Count(declaration.Machines.Count, "machine", "machines")}; no faults.");
            return ExitCode.Done;
        });
        return command;
    }

    private static string Count(int number, string one, string many) => $"{number} {(number == 1 ? one : many)}";
}
